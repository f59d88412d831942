"""The training job's hyperparameters, as SageMaker passes them."""

import re

import pytest

from allowed_values.hyperparameters import Hyperparameters, parse_hyperparameters
from allowed_values.rules import RefusedValueError

REQUIRED = {"base_model_id": "mistral-7b", "base_model_license": "apache-2.0"}

# the training section of JumpStart's specification of Mistral-7B, version 2.9.1
JUMPSTART = {
    "peft_type": "None", "epoch": "1", "learning_rate": "6e-06", "lora_r": "64",
    "lora_alpha": "16", "lora_dropout": "0", "bits": "16", "double_quant": "True",
    "quant_type": "nf4", "per_device_train_batch_size": "2", "per_device_eval_batch_size": "8",
    "gradient_accumulation_steps": "8", "warmup_ratio": "0.1", "weight_decay": "0.2",
    "max_input_length": "-1", "max_steps": "-1", "bf16": "True", "gradient_checkpointing": "True",
    "early_stopping_patience": "3", "early_stopping_threshold": "0.0", "eval_steps": "20",
    "logging_steps": "8", "seed": "10", "instruction_tuned": "False", "max_grad_norm": "1.0",
    "lr_scheduler_type": "constant_with_warmup",
}  # fmt: skip


def parse(**given: str) -> Hyperparameters:
    return parse_hyperparameters(REQUIRED | given)


def test_defaults_are_those_of_jumpstart() -> None:
    assert parse() == parse(**JUMPSTART)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"epoch": "0"}, "epoch must be from 1 to 1000, got 0"),
        ({"learning_rate": "nan"}, "learning_rate must be a finite number, got 'nan'"),
        ({"learning_rate": "fast"}, "learning_rate must be a finite number, got 'fast'"),
        ({"lora_dropout": "1"}, "lora_dropout must be at least 0 and below 1, got 1.0"),
        (
            {"max_input_length": "0"},
            "must be from 1 to 131072, or -1 for the default, got 0",
        ),
        ({"bits": "8"}, "bits must be one of 4, 16, got 8"),
        ({"bits": "4"}, "bits 4 needs peft_type lora"),
        ({"peft_type": "ia3"}, "peft_type must be one of None, lora, got 'ia3'"),
        ({"prompt_format": "alpaca"}, "prompt_format must be one of none, mistral-instruct"),
        ({"bf16": "yes"}, "bf16 must be True or False, got 'yes'"),
        ({"epochs": "3"}, "got epochs"),
        ({"weight_decay": "-1"}, "weight_decay must be from 0 to 1, got -1.0"),
        (
            {"base_model_license": "a\nb"},
            "base_model_license must be one line of text of 1 to 256 characters, got 'a\\nb'",
        ),
    ],
)
def test_hyperparameter_is_refused(given: dict[str, str], reason: str) -> None:
    with pytest.raises(RefusedValueError, match=re.escape(reason)):
        parse(**given)


@pytest.mark.parametrize("text", ["Our own licence", 'it\'s "ours"', "$(touch ran) `id`; #", "-"])
def test_free_text_is_taken_as_it_is(text: str) -> None:
    assert parse(base_model_license=text).base_model_license == text


def test_base_model_must_be_named() -> None:
    with pytest.raises(RefusedValueError, match="base_model_id, base_model_license must be given"):
        parse_hyperparameters({})
