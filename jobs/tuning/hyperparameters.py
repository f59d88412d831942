"""The training job's hyperparameters: JumpStart's, and three of the project's own."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from container import ArgumentParser, JobError
from language_models.prompt_format import PROMPT_FORMATS
from parameters import PARAMETERS, Parameter

_WHOLE_BITS = 16
_PROMPT_FORMAT = Parameter(default="none", choices=PROMPT_FORMATS)
_DESCRIBED = {**PARAMETERS, "prompt_format": _PROMPT_FORMAT}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Validated hyperparameters; the last three are ours, the others are JumpStart's."""

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

    def __post_init__(self) -> None:
        """Refuse values that no training can use."""
        for field in fields(self):
            value, described = getattr(self, field.name), _DESCRIBED.get(field.name)
            if described and not described.allows(value):
                raise JobError(f"{field.name} must be {described.allowed}, got {value}")
            if isinstance(value, str) and not value.isprintable():
                raise JobError(f"{field.name} must be one line of text, got {value!r}")
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


def parse_hyperparameters(given: Mapping[str, str]) -> Hyperparameters:
    """Read hyperparameters as SageMaker passes them, all as texts; raise JobError for a bad one."""
    parser = ArgumentParser(__doc__)
    readers: dict[Any, Callable[[str], object]] = {bool: _flag, int: int, float: float, str: str}
    for field in fields(Hyperparameters):
        parser.add_argument(
            f"--{field.name}",
            type=readers[field.type],
            default=_DESCRIBED[field.name].default if field.name in _DESCRIBED else None,
            required=field.name not in _DESCRIBED,
        )
    return Hyperparameters(
        **vars(parser.parse_args([f"--{name}={value}" for name, value in given.items()]))
    )


def _flag(text: str) -> bool:
    if text not in {"True", "False"}:
        raise ArgumentTypeError(f"must be True or False, got {text!r}")
    return text == "True"
