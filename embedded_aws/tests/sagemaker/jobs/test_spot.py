"""Managed spot training: interruptions, waits that end, and what is billed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.sagemaker.jobs import training_status
from embedded_aws.tests.account import BUCKET, Account, allow, read_write, until

_TYPE = "ml.g5.12xlarge"
_LIMITS = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600}
_PATIENT = {**_LIMITS, "MaxWaitTimeInSeconds": 86_400}  # 12 minutes in accelerated time

# Adds up 1 to 6, with a checkpoint after each step; the first time, it waits in the fourth.
_TRAIN = """
import os, pathlib, signal, sys, time
root = pathlib.Path(os.environ["TRAINING_ROOT"])
heeds = sys.argv[1] == "heeds"
signal.signal(signal.SIGTERM, (lambda *_: sys.exit("told")) if heeds else signal.SIG_IGN)
done = sorted((root / "checkpoints").iterdir())
step, total = map(int, done[-1].read_text().split()) if done else (0, 0)
print("begins after step", step)
(root / "model" / f"begun-after-{step}").touch()
while step < 6:
    if step == 3 and len(done) == 0:
        print("waits")
        time.sleep(600)
    step, total = step + 1, total + step + 1
    (root / "checkpoints" / f"step-{step}").write_text(f"{step} {total}")
(root / "model" / "total").write_text(str(total))
print(f"total={total}")
"""


def _on_spot(account: Account, word: str = "heeds", **more: Any) -> dict[str, Any]:
    checkpoints = f"s3://{BUCKET}/{account.name('checkpoints')}"
    return account.training(
        _TRAIN,
        account.role(*read_write(""), allow("s3:DeleteObject")),
        AlgorithmSpecification={
            "ContainerArguments": [word],
            "MetricDefinitions": [{"Name": "total", "Regex": r"total=(\d+)"}],
        },
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": checkpoints},
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models", "CompressionType": "NONE"},
        **{"StoppingCondition": _LIMITS, **more},
    )


def _statuses(described: dict[str, Any]) -> list[str]:
    return [change["Status"] for change in described["SecondaryStatusTransitions"]]


@pytest.mark.parametrize("word", ["heeds", "ignores"])
def test_interrupted_training_resumes_from_its_checkpoints_and_ends_as_if_it_had_not_been(
    account: Account, word: str
) -> None:
    name = {"TrainingJobName": account.name("training")}
    describe = account.sagemaker.describe_training_job
    request = _on_spot(account, word, StoppingCondition=_PATIENT)
    account.sagemaker.create_training_job(**name, **request)
    until(lambda: "waits" in account.log_lines("TrainingJob", name["TrainingJobName"]))
    with account.circumstances(no_spot_capacity=[_TYPE], time_scale=120):
        until(lambda: _statuses(describe(**name))[-2:] == ["Interrupted", "Starting"])
    ended = account.ended(lambda: describe(**name), "TrainingJob")
    assert ended["TrainingJobStatus"] == "Completed", ended
    once = ["Starting", "Downloading", "Training"]
    assert _statuses(ended) == [*once, "Interrupted", *once, "Uploading", "Completed"]
    (metric,) = ended["FinalMetricDataList"]
    assert metric["Value"] == 21
    output = f"models/{name['TrainingJobName']}/output/model/"
    assert account.keys(output) == ["begun-after-3", "total"]  # of the second instance alone


def test_wait_for_spot_instances_ends_at_its_limit(account: Account) -> None:
    with account.circumstances(no_spot_capacity=[_TYPE], time_scale=1000):
        ended = account.train(_on_spot(account))
    assert ended["TrainingJobStatus"] == "Stopped"
    assert _statuses(ended) == ["Starting", "Stopping", "MaxWaitTimeExceeded"]
    first, *_ = ended["SecondaryStatusTransitions"]
    assert first["StatusMessage"].startswith("Insufficient capacity error from EC2")
    assert "TrainingStartTime" not in ended


def test_training_on_demand_is_not_interrupted(account: Account) -> None:
    with account.circumstances(no_spot_capacity=[_TYPE]):
        ended = account.train(account.training("print(1)", account.role(*read_write(""))))
    assert ended["TrainingJobStatus"] == "Completed", ended


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 600}}, "It must be present"),
        ({"StoppingCondition": {**_LIMITS, "MaxWaitTimeInSeconds": 599}}, "greater than or equal"),
        ({"EnableManagedSpotTraining": False}, "MaxWaitTimeInSeconds is not allowed without"),
    ],
)
def test_wait_must_be_bounded_with_spot_and_is_refused_without(
    account: Account, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        account.train(_on_spot(account) | change)


def test_seconds_without_an_instance_are_not_billed_and_the_others_at_spots_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter((0, 10, 30, 100, 100, 1000, 1010, 1060, 1070))
    monkeypatch.setattr(training_status, "now", lambda: next(clock))
    once = ("Starting", "Downloading", "Training")
    record: dict[str, Any] = {"EnableManagedSpotTraining": True, "TrainingStartTime": 10}
    for status in (*once, "Interrupted", *once, "Uploading"):
        training_status.note_status(record, status)
    record["TrainingEndTime"] = 1070
    training_status.note_status(record, "Completed")
    assert record["TrainingTimeInSeconds"] == (100 - 10) + (1070 - 1000)
    assert record["BillableTimeInSeconds"] == 48
