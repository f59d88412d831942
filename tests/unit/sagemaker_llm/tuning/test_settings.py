"""What an environment may decide about fine-tuning."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from prepare import prepare
from sagemaker_llm import (
    LLAMA_CPP,
    VLLM,
    Approval,
    CatalogEntry,
    DataMode,
    FileWeights,
    LlamaCpp,
    StagedGguf,
    TuningSettings,
    find_model,
)
from sagemaker_llm.models.instances import find_instance
from stacks import environments

ROOT = Path(__file__).parents[4]


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
        ({"epoch": 1.5}, "epoch must be a whole number, got 1.5"),
        ({"bf16": True}, "bf16 must be the text 'True' or 'False', got True"),
        ({"peft_type": "qlora"}, "peft_type must be one of None, lora, got 'qlora'"),
        ({"bits": 8}, "bits must be one of 4, 16, got 8"),
        ({"epoch": 0}, "epoch must be from 1 to 1000, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number, got nan"),
        ({"lora_dropout": 1.0}, "lora_dropout must be at least 0 and below 1, got 1.0"),
        (
            {"max_input_length": 0},
            "max_input_length must be from 1 to 131072, or -1 for the default, got 0",
        ),
        ({"seed": -1}, "seed must be from 0 to 4294967295, got -1"),
        ({"instruction_tuned": "True"}, "follows from mode"),
    ],
)
def test_overrides_that_the_job_would_refuse_are_refused(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _settings(overrides=overrides)


def test_a_sharded_model_accumulates_no_gradients() -> None:
    accumulation = "gradient_accumulation_steps"
    assert _settings().hyperparameters[accumulation] == 1
    assert _settings(overrides={"peft_type": "lora"}).hyperparameters[accumulation] == 8
    one_gpu = _settings(training_instance_type="ml.p5.4xlarge")
    assert one_gpu.hyperparameters[accumulation] == 8
    with pytest.raises(ValueError, match=r"must be 1 for full tuning on several GPUs: .* got 2"):
        _settings(overrides={accumulation: 2})


def test_dev_makes_enough_updates_of_the_shipped_example(tmp_path: Path) -> None:
    data = tmp_path / "input" / "data"
    shutil.copytree(ROOT / "examples" / "instruction", data)
    prepare(["--mode", "instruction"], tmp_path)
    records = (tmp_path / "output" / "train" / "train.jsonl").read_text().count("\n")
    tuning = environments.dev(account=None, region=None).tuning
    assert tuning
    p = tuning.hyperparameters
    assert p["peft_type"] == "lora"
    batch = (
        int(p["per_device_train_batch_size"]) * find_instance(tuning.training_instance_type).gpus
    )
    per_epoch = -(-records // batch) // int(p["gradient_accumulation_steps"])
    updates = int(p["epoch"]) * per_epoch
    assert updates >= 40  # what the laptop's model learns the example in
    assert updates * float(p["warmup_ratio"]) < updates / 4
    assert tuning.min_retrieval_change < 0


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0])
def test_gate_without_a_margin_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="min_loss_reduction must be above 0"):
        _settings(min_loss_reduction=margin)


def test_models_wait_for_a_person_unless_an_environment_says_otherwise() -> None:
    assert _settings().approval is Approval.PENDING
    for environment in (environments.staging, environments.prod):
        tuning = environment(account=None, region=None).tuning
        assert tuning
        assert tuning.approval is Approval.PENDING


def test_every_server_can_run_a_tuned_model() -> None:
    lite = find_model("mistrallite")
    _settings().check_model(lite, "ml.g5.2xlarge")
    _settings().check_model(lite.served_by(VLLM, window=32_768), "ml.g5.2xlarge")
    _settings().check_model(_on_a_cpu(), "ml.c7g.2xlarge")


def _on_a_cpu(**changes: Any) -> CatalogEntry:
    weights = StagedGguf(repository="a/b", file="m.gguf", file_bytes=1)
    model = find_model("mistral-7b-instruct").served_by(
        LLAMA_CPP, weights=weights, max_concurrent_requests=2
    )
    return dataclasses.replace(model, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tuned_from": None}, "tuned_from of mistral-7b-instruct must be the safetensors that"),
        ({"weights": FileWeights(path="/m.gguf")}, "tuning must be None for a file of this machi"),
        ({"server": LlamaCpp(tuned_kind="F16")}, r"17\.5 GiB of memory .* tuned file in F16 and"),
    ],
)
def test_model_that_could_not_be_tuned_or_served_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        _settings().check_model(_on_a_cpu(**changes), "ml.c7g.2xlarge")
