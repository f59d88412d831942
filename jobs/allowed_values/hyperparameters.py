"""The training job's hyperparameters: JumpStart's, and four of the project's own."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from allowed_values.parameters import PARAMETERS, read_values
from allowed_values.rules import RefusedValueError

_WHOLE_BITS = 16


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Validated hyperparameters; the last four are ours, the others are JumpStart's."""

    instruction_tuned: bool
    peft_type: str
    epoch: int
    max_steps: int
    learning_rate: float
    lr_scheduler_type: str
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    bits: int
    double_quant: bool
    quant_type: str
    per_device_train_batch_size: int
    per_device_eval_batch_size: int
    gradient_accumulation_steps: int
    max_input_length: int
    bf16: bool
    gradient_checkpointing: bool
    eval_steps: int  # a checkpoint is written with each evaluation: the best one is kept
    logging_steps: int
    early_stopping_patience: int
    early_stopping_threshold: float
    seed: int
    target_modules: str
    prompt_format: str
    base_model_id: str
    base_model_license: str
    weights_format: str

    def __post_init__(self) -> None:
        """Refuse values that no training can use."""
        for field in fields(self):
            PARAMETERS[field.name].check(getattr(self, field.name))
        if self.quantized and not self.lora:
            raise RefusedValueError(
                "bits 4 needs peft_type lora: quantized weights cannot be trained"
            )

    @property
    def lora(self) -> bool:
        """Whether an adapter is trained, and not the weights themselves."""
        return self.peft_type == "lora"

    @property
    def gguf_kind(self) -> str | None:
        """How the numbers of the one GGUF file are written; None: the weights are safetensors."""
        return None if self.weights_format == "safetensors" else self.weights_format

    @property
    def quantized(self) -> bool:
        """Whether the frozen weights are kept in 4 bits."""
        return self.bits != _WHOLE_BITS


NAMES = tuple(field.name for field in fields(Hyperparameters))


def parse_hyperparameters(given: Mapping[str, str]) -> Hyperparameters:
    """Read hyperparameters as SageMaker passes them, as texts; raise RefusedValueError."""
    return Hyperparameters(**read_values(given, NAMES))
