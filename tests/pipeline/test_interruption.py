"""The training script on a spot instance that AWS takes back, with a tiny model."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.tests.account import BUCKET, Account, allow, channel, read_write, until
from tests.embedded.conftest import ROOT, own_account

__all__ = ["own_account"]

_PYTHON = ROOT / ".venv-jobs" / "bin" / "python"
_TYPE = "ml.g5.12xlarge"
_TINY = """
import sys
from pathlib import Path
from tests.jobs.tiny_model import instructions, write_base, write_report, write_split
root = Path(sys.argv[1])
(root / "model").mkdir()
write_base(root / "model")
write_split(root, "validation", instructions(0, 4))
write_report(write_split(root, "train", instructions(0, 12)), "instruction")
"""
_STEPS = 240
_HYPERPARAMETERS = {
    "base_model_id": "tiny-mistral",
    "base_model_license": "apache-2.0",
    "instruction_tuned": "True",
    "peft_type": "lora",
    "epoch": str(_STEPS),
    "max_steps": str(_STEPS),
    "learning_rate": "1e-3",
    "eval_steps": "20",
    "logging_steps": "20",
    "gradient_accumulation_steps": "1",
    "early_stopping_patience": "1000",
}


def test_interrupted_training_resumes_and_ends_as_one_that_was_not(
    own_account: Account, tmp_path: Path
) -> None:
    own_account.job_python.write_text(f'#!/bin/sh\nexec {_PYTHON} "$@"\n')
    request = _request(own_account, tmp_path)
    whole = _ended(own_account, _start(own_account, request))
    assert "Interrupted" not in _statuses(whole)

    interrupted = _start(own_account, request)
    until(lambda: _log(own_account, interrupted, "step=40 "), seconds=600)
    with own_account.circumstances(no_spot_capacity=[_TYPE]):
        until(lambda: "Interrupted" in _statuses(_described(own_account, interrupted)), seconds=120)
    resumed = _ended(own_account, interrupted)
    assert _log(own_account, interrupted, "resuming from checkpoint-")
    expected, metrics = (_metrics(own_account, job) for job in (whole, resumed))
    assert metrics["steps"] == _STEPS
    for name in ("steps", "train_loss", "eval_loss_before", "eval_loss"):
        assert metrics[name] == pytest.approx(expected[name]), name


def _request(account: Account, folder: Path) -> dict[str, Any]:
    """A training of the job scripts' on spot instances, with its data in S3."""
    data = folder / "data"
    data.mkdir()
    subprocess.run([_PYTHON, "-c", _TINY, data], cwd=ROOT, check=True)
    for path in data.rglob("*"):
        if path.is_file():
            account.put(str(path.relative_to(data)), path.read_bytes())
    code = Path(shutil.make_archive(str(folder / "jobs"), "zip", ROOT / "jobs"))
    channels = {name: f"s3://{BUCKET}/{name}/" for name in ("train", "validation", "model")}
    channels["scripts"] = account.put("scripts/jobs.zip", code.read_bytes())
    return account.training(
        "",
        account.role(*read_write(""), allow("s3:DeleteObject")),
        AlgorithmSpecification={
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/scripts/jobs.zip", "fine_tune"]
        },
        InputDataConfig=[channel(name, uri) for name, uri in channels.items()],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"},
        HyperParameters=_HYPERPARAMETERS,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600},
    )


def _start(account: Account, request: dict[str, Any]) -> str:
    name = account.name("training")
    checkpoints = {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"}
    account.sagemaker.create_training_job(
        TrainingJobName=name, CheckpointConfig=checkpoints, **request
    )
    return name


def _described(account: Account, name: str) -> dict[str, Any]:
    described: dict[str, Any] = account.sagemaker.describe_training_job(TrainingJobName=name)
    return described


def _ended(account: Account, name: str) -> dict[str, Any]:
    final = ("Completed", "Failed", "Stopped")
    until(lambda: _described(account, name)["TrainingJobStatus"] in final, seconds=600)
    described = _described(account, name)
    assert described["TrainingJobStatus"] == "Completed", described
    return described


def _statuses(described: dict[str, Any]) -> list[str]:
    return [change["Status"] for change in described["SecondaryStatusTransitions"]]


def _log(account: Account, name: str, text: str) -> list[str]:
    """The lines of a job's log that hold a text."""
    return [line for line in account.log_lines("TrainingJob", name) if text in line]


def _metrics(account: Account, described: dict[str, Any]) -> dict[str, float]:
    key = f"models/{described['TrainingJobName']}/output/data/metrics.json"
    metrics: dict[str, float] = json.loads(account.get(key))
    return metrics
