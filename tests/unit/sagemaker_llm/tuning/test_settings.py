"""What an environment may decide about fine-tuning."""

from typing import Any

import pytest

from sagemaker_llm import Approval, DataMode, TuningSettings
from stacks import environments


def _settings(**values: Any) -> TuningSettings:
    return TuningSettings(base_model_id="owner/model", **values)


@pytest.mark.parametrize(
    ("mode", "flag"), [(DataMode.INSTRUCTION, "True"), (DataMode.DOMAIN, "False")]
)
def test_hyperparameters_fit_the_kind_of_data(mode: DataMode, flag: str) -> None:
    assert _settings(mode=mode).hyperparameters["instruction_tuned"] == flag


def test_overrides_replace_jumpstarts_defaults() -> None:
    hyperparameters = _settings(overrides={"epoch": 3}).hyperparameters
    assert (hyperparameters["epoch"], hyperparameters["lora_r"]) == (3, 64)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"epochs": 3}, "must be of .*epoch.*, got 'epochs'"),
        ({"epoch": 1.5}, "epoch must be of type int, got 1.5"),
        ({"bf16": True}, "bf16 must be of type str, got True"),
        ({"peft_type": "qlora"}, "peft_type must be one of None, lora, got 'qlora'"),
        ({"bits": 8}, "bits must be one of 4, 16, got 8"),
        ({"epoch": 0}, "epoch must be above 0, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"lora_dropout": 1.0}, "lora_dropout must be at least 0 and below 1, got 1.0"),
        ({"max_input_length": 0}, "max_input_length must be above 0, or -1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"instruction_tuned": "True"}, "follows from mode"),
    ],
)
def test_overrides_that_the_job_would_refuse_are_refused(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _settings(overrides=overrides)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0])
def test_gate_without_a_margin_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="min_loss_reduction must be above 0"):
        _settings(min_loss_reduction=margin)


def test_models_wait_for_a_person_unless_an_environment_says_otherwise() -> None:
    assert _settings().approval is Approval.PENDING
    for environment in (environments.staging, environments.prod):
        assert environment(account=None, region=None).tuning.approval is Approval.PENDING
