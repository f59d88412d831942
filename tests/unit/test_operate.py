"""The operator's verbs on what a release leaves behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operate import drift, rollback
from operate.executions import table

_GROUP = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/prod-training-mistral-7b"
_ARN = "arn:aws:sagemaker:eu-west-1:111111111111"
_PACKAGE = f"{_GROUP}/3"
_BASE = {"Image": "1.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1", "Environment": {"A": "1"}}


@pytest.mark.parametrize(
    ("served", "previous"), [(11, f"{_GROUP}/9"), (9, f"{_GROUP}/2"), (10, f"{_GROUP}/9"), (2, "")]
)
def test_previous_package_is_the_newest_approved_before_the_served_one(
    served: int, previous: str
) -> None:
    approved = [f"{_GROUP}/{version}" for version in (2, 11, 9)]
    assert rollback.previous_package(approved, f"{_GROUP}/{served}") == previous


def test_rollback_serves_the_previous_package(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[str, str]] = []
    monkeypatch.setattr(rollback, "served_package", lambda _environment: _PACKAGE)
    monkeypatch.setattr(rollback, "approved_packages", lambda _: [_PACKAGE, f"{_GROUP}/2"])
    monkeypatch.setattr(rollback, "serve_package", lambda *given: served.append(given))
    rollback.rollback("prod")
    assert served == [("prod", f"{_GROUP}/2")]


def test_rollback_is_refused_when_the_base_weights_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollback, "served_package", lambda _environment: "")
    with pytest.raises(SystemExit, match="serves the base weights"):
        rollback.rollback("prod")


class _Account:
    """What describes the endpoint of a stack whose template has one model and one config."""

    def __init__(self, *, model: str = "model/a", container: dict[str, Any] | None = None) -> None:
        self._model, self._container = model, container or dict(_BASE)

    def get_template(self, **_: str) -> dict[str, Any]:
        model = {"PrimaryContainer": {"Fn::If": ["Base", _BASE, {}]}}
        config = {"ProductionVariants": [{"InstanceType": "ml.g5.2xlarge"}]}
        return {
            "TemplateBody": {
                "Resources": {
                    "M": {"Type": "AWS::SageMaker::Model", "Properties": model},
                    "C": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
                }
            }
        }

    def describe_stack_resources(self, **_: str) -> dict[str, Any]:
        ids = {"Model": f"{_ARN}:model/a", "EndpointConfig": f"{_ARN}:endpoint-config/c"}
        return {
            "StackResources": [
                {"ResourceType": f"AWS::SageMaker::{kind}", "PhysicalResourceId": physical_id}
                for kind, physical_id in ids.items()
            ]
        }

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointConfigName": "C"}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        variant = {"InstanceType": "ml.g5.2xlarge", "ModelName": "A"}
        arn = f"{_ARN}:endpoint-config/c"
        return {"EndpointConfigArn": arn, "ProductionVariants": [variant]}

    def describe_model(self, **_: str) -> dict[str, Any]:
        return {"ModelArn": f"{_ARN}:{self._model}", "PrimaryContainer": self._container}

    def describe_model_package(self, **_: str) -> dict[str, Any]:
        return {"ModelApprovalStatus": "Approved"}


def _drift(monkeypatch: pytest.MonkeyPatch, account: _Account, package_arn: str = "") -> None:
    monkeypatch.setattr(drift, "client", lambda _service: account)
    monkeypatch.setattr(drift, "outputs", lambda *_: {"EndpointName": "e"})
    monkeypatch.setattr(drift, "served_package", lambda _environment: package_arn)
    drift.drift("prod")


def test_drift_finds_none_when_the_base_weights_are_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _drift(monkeypatch, _Account())
    assert "DRIFTED" not in capsys.readouterr().out


def test_drift_finds_none_when_the_package_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    _drift(monkeypatch, _Account(container={"ModelPackageName": _PACKAGE}), _PACKAGE)


@pytest.mark.parametrize(
    ("account", "package_arn", "subject"),
    [
        (_Account(model="model/b"), "", "model"),
        (_Account(container={**_BASE, "Environment": {"A": "2"}}), "", "environment"),
        (_Account(container={**_BASE, "Image": "x/tgi:3"}), "", "image"),
        (_Account(container={"ModelPackageName": f"{_GROUP}/2"}), _PACKAGE, "model package"),
        (_Account(), _PACKAGE, "model package"),
    ],
)
def test_drift_is_found_and_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    account: _Account,
    package_arn: str,
    subject: str,
) -> None:
    with pytest.raises(SystemExit, match="something else"):
        _drift(monkeypatch, account, package_arn)
    drifted = [line for line in capsys.readouterr().out.splitlines() if "DRIFTED" in line]
    assert [line.split(":")[0] for line in drifted] == [f"DRIFTED {subject}"]


def test_table_shows_each_step_with_its_time_and_what_it_made() -> None:
    began = datetime(2026, 11, 22, tzinfo=UTC)
    job = {"TrainingJob": {"Arn": f"{_ARN}:training-job/pipelines-a-finetune-b"}}
    steps: list[dict[str, Any]] = [
        {
            "StepName": "Prepare",
            "StepStatus": "Succeeded",
            "StartTime": began,
            "EndTime": began,
            "CacheHitResult": {"SourcePipelineExecutionArn": "x"},
        },
        {"StepName": "FineTune", "StepStatus": "Executing", "StartTime": began, "Metadata": job},
        {"StepName": "Refuse", "StepStatus": "Failed", "FailureReason": "no better"},
    ]
    lines = [line.split() for line in table(steps, began + timedelta(seconds=7))]
    assert lines[1:] == [
        ["Prepare", "Cached", "0"],
        ["FineTune", "Executing", "7", "pipelines-a-finetune-b"],
        ["Refuse", "Failed", "0", "no", "better"],
    ]
