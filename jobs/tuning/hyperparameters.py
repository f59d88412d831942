"""The training job's hyperparameters: JumpStart's names and defaults for Mistral-7B (2.9.1)."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from container import ArgumentParser, JobError
from language_models.prompt_format import PROMPT_FORMATS

_WHOLE_BITS = 16

_POSITIVE = (
    "epoch", "learning_rate", "lora_r", "lora_alpha", "per_device_train_batch_size",
    "per_device_eval_batch_size", "gradient_accumulation_steps", "max_grad_norm", "eval_steps",
    "logging_steps", "early_stopping_patience",
)  # fmt: skip
_NOT_NEGATIVE = ("weight_decay", "early_stopping_threshold", "seed")
_BELOW_ONE = ("lora_dropout", "warmup_ratio")
_POSITIVE_OR_UNLIMITED = ("max_input_length", "max_steps")
_CHOICES: dict[str, tuple[object, ...]] = {
    "peft_type": ("None", "lora"),
    "bits": (4, _WHOLE_BITS),
    "quant_type": ("nf4", "fp4"),
    "lr_scheduler_type": ("constant_with_warmup", "constant", "linear", "cosine"),
    "prompt_format": PROMPT_FORMATS,
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Validated hyperparameters; the last four are ours, the others are JumpStart's."""

    instruction_tuned: bool = False
    peft_type: str = "None"
    epoch: int = 1
    max_steps: int = -1
    learning_rate: float = 6e-6
    lr_scheduler_type: str = "constant_with_warmup"
    warmup_ratio: float = 0.1
    weight_decay: float = 0.2
    max_grad_norm: float = 1.0
    lora_r: int = 64
    lora_alpha: int = 16
    lora_dropout: float = 0.0
    bits: int = 16
    double_quant: bool = True
    quant_type: str = "nf4"
    per_device_train_batch_size: int = 2
    per_device_eval_batch_size: int = 8
    gradient_accumulation_steps: int = 8
    max_input_length: int = -1
    bf16: bool = True
    gradient_checkpointing: bool = True
    eval_steps: int = 20  # a checkpoint is written with each evaluation: the best one is kept
    logging_steps: int = 8
    early_stopping_patience: int = 3
    early_stopping_threshold: float = 0.0
    seed: int = 10
    target_modules: str = "q_proj,v_proj"
    prompt_format: str = "none"
    base_model_id: str
    base_model_license: str

    def __post_init__(self) -> None:
        """Refuse values that no training can use."""
        for name in _POSITIVE:
            self._check(name, "positive", getattr(self, name) > 0)
        for name in _NOT_NEGATIVE:
            self._check(name, "at least 0", getattr(self, name) >= 0)
        for name in _BELOW_ONE:
            self._check(name, "at least 0 and below 1", 0 <= getattr(self, name) < 1)
        for name in _POSITIVE_OR_UNLIMITED:
            value = getattr(self, name)
            self._check(name, "positive, or -1 for the default", value > 0 or value == -1)
        for name, choices in _CHOICES.items():
            wanted = f"one of {', '.join(map(str, choices))}"
            self._check(name, wanted, getattr(self, name) in choices)
        if self.quantized and not self.lora:
            raise JobError("bits 4 needs peft_type lora: quantized weights cannot be trained")

    @property
    def lora(self) -> bool:
        """Whether an adapter is trained, and not the weights themselves."""
        return self.peft_type == "lora"

    @property
    def quantized(self) -> bool:
        """Whether the frozen weights are kept in 4 bits."""
        return self.bits != _WHOLE_BITS

    def _check(self, name: str, wanted: str, holds: object) -> None:
        if not holds:
            raise JobError(f"{name} must be {wanted}, got {getattr(self, name)}")


def parse_hyperparameters(given: Mapping[str, str]) -> Hyperparameters:
    """Read hyperparameters as SageMaker gives them, all as texts; raises JobError."""
    parser = ArgumentParser(__doc__)
    readers: dict[Any, Callable[[str], object]] = {bool: _flag, int: int, float: float, str: str}
    for field in fields(Hyperparameters):
        parser.add_argument(
            f"--{field.name}",
            type=readers[field.type],
            default=field.default,
            required=field.default is MISSING,
        )
    return Hyperparameters(
        **vars(parser.parse_args([f"--{name}={value}" for name, value in given.items()]))
    )


def _flag(text: str) -> bool:
    if text not in {"True", "False"}:
        raise ArgumentTypeError(f"must be True or False, got {text!r}")
    return text == "True"
