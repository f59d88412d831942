"""The memory that a training takes, computed from its own settings, before any is asked for.

The factors are those of the code beside this: what is trained is float32 with Adam's two states, a
frozen base is bfloat16 or 4 bits, and the loss is computed in float32. docs/fine-tuning.md has the
table; docs/benchmarks.md has the measured peaks that the factors were compared with.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowed_values.hyperparameters import Hyperparameters
from allowed_values.input_length import longest_input
from allowed_values.instances import INSTANCES, Instance
from allowed_values.rules import RefusedValueError

_GIB = 2**30
_TRAINED = 16  # float32: the weight, its gradient, Adam's two states
_LOGIT = 14  # bfloat16, float32, its softmax, and its gradient or its copy
_QUANTIZED = 4.127 / 8  # nf4 with doubly quantized scales
_CONTEXT = 0.6 * _GIB  # CUDA's own
_PROCESS = 3 * _GIB  # a Python with torch, in the host's memory
_SHARE_FOR_STATES = 0.7  # of all GPUs together; the rest is for activations and gathered layers


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes of a model with Mistral's or Llama's layers."""

    layers: int
    hidden: int
    intermediate: int
    key_value: int
    vocabulary: int

    @property
    def layer(self) -> int:
        """The weights of a layer."""
        h = self.hidden
        return 2 * h * h + 2 * h * self.key_value + 3 * h * self.intermediate + 2 * h

    @property
    def outside(self) -> int:
        """The weights of the embeddings, the head and the last norm."""
        return 2 * self.vocabulary * self.hidden + self.hidden

    @property
    def weights(self) -> int:
        """All weights."""
        return self.layers * self.layer + self.outside


MISTRAL_7B = Shape(layers=32, hidden=4096, intermediate=14336, key_value=1024, vocabulary=32000)
_KNOWN = "mistral"  # in the base model's id, which tells shape and window at the start
_MISTRAL_WINDOW = 32_768  # `max_position_embeddings` of all 7B models


@dataclass(frozen=True)
class Needs:
    """Bytes that a training takes on each GPU and in the host's memory."""

    gpu: float
    host: float


def needs(p: Hyperparameters, shape: Shape, machine: Instance) -> Needs:
    """Return the memory that a training takes on a machine."""
    length = longest_input(p.max_input_length)
    trained = p.per_device_train_batch_size * length * _per_trained_token(p, shape)
    evaluated = p.per_device_eval_batch_size * length * shape.vocabulary * _LOGIT
    states, host = _states(p, shape, machine)
    return Needs(_CONTEXT + states + max(trained, evaluated), host + machine.gpus * _PROCESS)


def check_fits(p: Hyperparameters, shape: Shape, machine: Instance, name: str) -> None:
    """Raise RefusedValueError for a training that the machine has not the memory for."""
    check_accumulation(p, machine.gpus)
    taken = needs(p, shape, machine)
    instead = (
        "peft_type lora, bits 4, a smaller batch or max_input_length, or another training instance"
        " type"
    )
    _check_memory("training", taken, machine, name, instead)


def known_window(base_model_id: str) -> int | None:
    """Return a model's window in tokens, where it is known by the model's name."""
    return _MISTRAL_WINDOW if _KNOWN in base_model_id.lower() else None


def check_at_start(p: Hyperparameters, instance_type: str) -> None:
    """Raise RefusedValueError for what cannot fit, where model and instance are known by name."""
    machine = INSTANCES.get(instance_type)
    if machine is None:
        return
    if known_window(p.base_model_id):
        check_fits(p, MISTRAL_7B, machine, instance_type)
    else:
        check_accumulation(p, machine.gpus)


def check_evaluation(base_model_id: str, longest: int, instance_type: str) -> None:
    """Raise RefusedValueError for an evaluation that an instance has not the memory for.

    A model is read in bfloat16, with the longest prompt's keys, values and widest activations.
    """
    machine = INSTANCES.get(instance_type)
    if machine is None or known_window(base_model_id) is None:
        return
    shape = MISTRAL_7B
    a_token = 2 * (2 * shape.layers * shape.key_value + 3 * shape.intermediate)
    taken = Needs(_CONTEXT + 2 * shape.weights + longest * a_token, 2 * shape.weights + _PROCESS)
    instead = "another evaluation instance type, or shorter retrieval_lengths"
    _check_memory("evaluation", taken, machine, instance_type, instead)


def _check_memory(job: str, taken: Needs, machine: Instance, name: str, instead: str) -> None:
    for part, wanted, there in (
        ("each GPU", taken.gpu, machine.bytes_per_gpu),
        ("the host", taken.host, machine.host_bytes),
    ):
        if wanted > there:
            raise RefusedValueError(
                f"the {job} takes {wanted / _GIB:.1f} GiB of {part}, {name} has"
                f" {there / _GIB:.1f}: choose {instead}"
            )


def check_accumulation(p: Hyperparameters, gpus: int) -> None:
    """Raise RefusedValueError for accumulated gradients of a sharded model."""
    if not p.lora and gpus > 1 and p.gradient_accumulation_steps > 1:
        raise RefusedValueError(
            "gradient_accumulation_steps must be 1 for full tuning on several GPUs: between updates"
            " each would hold the gradients of all weights, and offloaded ones would be wrong;"
            f" got {p.gradient_accumulation_steps}"
        )


def read_shape(base: Path) -> Shape | None:
    """Return the shape of the checkpoint in a directory, or None for another kind of file."""
    path = base / "config.json"
    if not path.is_file():
        return None
    c: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    heads = c["num_attention_heads"]
    size = c.get("head_dim") or c["hidden_size"] // heads
    return Shape(
        layers=c["num_hidden_layers"],
        hidden=c["hidden_size"],
        intermediate=c["intermediate_size"],
        key_value=c.get("num_key_value_heads", heads) * size,
        vocabulary=c["vocab_size"],
    )


def _states(p: Hyperparameters, shape: Shape, machine: Instance) -> tuple[float, float]:
    """Return the bytes of weights, gradients and optimizer: on each GPU, and on the host."""
    n, copied = shape.weights, 6 * shape.weights  # float32 gathered to be saved, and its bfloat16
    if p.quantized:  # embeddings, head and norms become float32
        frozen = _QUANTIZED * shape.layers * shape.layer + 4 * shape.outside
        return frozen + _TRAINED * adapter_weights(p, shape), 2 * n
    if p.lora:
        return 2 * n + _TRAINED * adapter_weights(p, shape), 2 * n
    if machine.gpus == 1:
        return (_TRAINED + 2) * n, copied  # and autocast's bfloat16 copy
    gathered = 2 * 2 * (shape.outside + 3 * shape.layer)  # weights and gradients, read ahead
    total = _TRAINED * n
    if states_fit(n, machine.gpus, machine.bytes_per_gpu):
        return total / machine.gpus + gathered, copied
    return gathered, total + copied


def states_fit(weights: float, gpus: int, bytes_per_gpu: float) -> bool:
    """Return whether the GPUs together hold all weights with their gradients and Adam's states."""
    return _TRAINED * weights < _SHARE_FOR_STATES * gpus * bytes_per_gpu


def adapter_weights(p: Hyperparameters, shape: Shape) -> int:
    """Return the weights of a LoRA adapter."""
    h, f, kv = shape.hidden, shape.intermediate, shape.key_value
    sizes = {"q_proj": h + h, "o_proj": h + h, "k_proj": h + kv, "v_proj": h + kv}
    sizes |= dict.fromkeys(("gate_proj", "up_proj", "down_proj"), h + f)
    return shape.layers * p.lora_r * sum(sizes.get(m, 0) for m in p.target_modules.split(","))


def _per_trained_token(p: Hyperparameters, shape: Shape) -> float:
    if p.gradient_checkpointing:
        kept = (4 if p.quantized else 2) * shape.hidden  # the input of each layer
    else:
        kept = 2 * (8 * shape.hidden + 2 * shape.key_value + 4 * shape.intermediate)
    return shape.layers * kept + shape.vocabulary * _LOGIT
