"""What a fine-tuning can be told: JumpStart's hyperparameters for Mistral-7B, and its defaults."""

from collections.abc import Mapping
from types import MappingProxyType

Value = str | int | float

# Version 2.9.1 of JumpStart's training container. Flags are texts, as SageMaker passes all.
JUMPSTART_DEFAULTS: Mapping[str, Value] = MappingProxyType(
    {
        "instruction_tuned": "False",
        "peft_type": "None",
        "epoch": 1,
        "max_steps": -1,
        "learning_rate": 6e-6,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_ratio": 0.1,
        "weight_decay": 0.2,
        "max_grad_norm": 1.0,
        "lora_r": 64,
        "lora_alpha": 16,
        "lora_dropout": 0.0,
        "bits": 16,
        "double_quant": "True",
        "quant_type": "nf4",
        "per_device_train_batch_size": 2,
        "per_device_eval_batch_size": 8,
        "gradient_accumulation_steps": 8,
        "validation_split": 0.2,
        "max_input_length": -1,
        "bf16": "True",
        "gradient_checkpointing": "True",
        "eval_steps": 20,
        "logging_steps": 8,
        "early_stopping_patience": 3,
        "early_stopping_threshold": 0.0,
        "seed": 10,
        "target_modules": "q_proj,v_proj",
    }
)

# What the preparing job splits off; the training job has no use for it.
OF_PREPARATION = frozenset({"validation_split"})

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "instruction_tuned": ("True", "False"),
        "peft_type": ("None", "lora"),
        "lr_scheduler_type": ("constant_with_warmup", "constant", "linear", "cosine"),
        "double_quant": ("True", "False"),
        "quant_type": ("nf4", "fp4"),
        "bf16": ("True", "False"),
        "gradient_checkpointing": ("True", "False"),
    }
)


def check_overrides(overrides: Mapping[str, Value]) -> None:
    """Raise ValueError for a name that there is not, or a value of another type or choice."""
    for name, value in overrides.items():
        if name not in JUMPSTART_DEFAULTS:
            raise ValueError(
                f"hyperparameters must be of {', '.join(JUMPSTART_DEFAULTS)}, got {name!r}"
            )
        wanted = type(JUMPSTART_DEFAULTS[name])
        if type(value) is not wanted:
            raise ValueError(f"{name} must be of type {wanted.__name__}, got {value!r}")
        if value not in CHOICES.get(name, (value,)):
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}")
