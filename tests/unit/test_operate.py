"""The operator's verbs on what a release leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from operate import answers, datasets, drift, executions, finetune, rollback, updates
from operate.answers import base_url
from operate.datasets import first_request, upload

_GROUP = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/prod-training-mistral-7b"
_ARN = "arn:aws:sagemaker:eu-west-1:111111111111"
_PACKAGE = f"{_GROUP}/3"
_BASE = {"Image": "1.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1", "Environment": {"A": "1"}}
_RELEASED = {"ModelPackageName": {"Ref": "ModelPackageArn"}, "Environment": {"A": "tuned"}}
_SERVED = {"ModelPackageName": _PACKAGE, "Environment": {"A": "tuned"}}


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

    def __init__(
        self,
        *,
        model: str = "model/a",
        container: dict[str, Any] | None = None,
        package_image: str = _BASE["Image"],  # type: ignore[assignment] # is a text
        approval: str = "Approved",
    ) -> None:
        self._model, self._container = model, container or dict(_BASE)
        self._package_image, self._approval = package_image, approval

    def get_template(self, **_: str) -> dict[str, Any]:
        model = {"PrimaryContainer": {"Fn::If": ["Base", _BASE, _RELEASED]}}
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
        containers = [{"Image": self._package_image, "Environment": {"A": "when registered"}}]
        return {
            "ModelApprovalStatus": self._approval,
            "InferenceSpecification": {"Containers": containers},
        }


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
    _drift(monkeypatch, _Account(container=_SERVED), _PACKAGE)


@pytest.mark.parametrize(
    ("account", "package_arn", "subject"),
    [
        (_Account(model="model/b"), "", "model"),
        (_Account(container={**_BASE, "Environment": {"A": "2"}}), "", "environment"),
        (_Account(container={**_BASE, "Image": "x/tgi:3"}), "", "image"),
        (
            _Account(container={**_SERVED, "ModelPackageName": f"{_GROUP}/2"}),
            _PACKAGE,
            "model package",
        ),
        (_Account(container={**_SERVED, "Environment": {"A": "1"}}), _PACKAGE, "environment"),
        (_Account(container=_SERVED, package_image="x/tgi:0.9"), _PACKAGE, "image"),
        (_Account(container=_SERVED, approval="Rejected"), _PACKAGE, "approval"),
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


_BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def _step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, "StartTime": _BEGAN, **more}


def test_rows_show_each_step_with_its_time_and_what_it_made() -> None:
    job = {"TrainingJob": {"Arn": f"{_ARN}:training-job/pipelines-a-finetune-b"}}
    cached = {"SourcePipelineExecutionArn": "x"}
    steps = [
        _step("Prepare", "Succeeded", EndTime=_BEGAN, CacheHitResult=cached),
        _step("FineTune", "Executing", Metadata=job),
        _step("Refuse", "Failed", EndTime=_BEGAN, FailureReason="no better"),
    ]
    assert executions.rows(steps, _BEGAN + timedelta(seconds=7))[1:] == [
        ("Prepare", "Cached", "0", ""),
        ("FineTune", "Executing", "7", "pipelines-a-finetune-b"),
        ("Refuse", "Failed", "0", "no better"),
    ]


def test_each_change_of_a_step_is_told_once_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    polled = [
        [_step("Prepare", "Starting")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Executing")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Starting")],
        [_step("Prepare", "Succeeded"), _step("FineTune", "Failed", FailureReason="no GPU")],
    ]
    statuses = ["Executing"] * (len(polled) - 1) + ["Failed"]
    account = SimpleNamespace(
        describe_pipeline_execution=lambda **_: {"PipelineExecutionStatus": statuses.pop(0)}
    )
    monkeypatch.setattr(executions, "client", lambda _service: account)
    monkeypatch.setattr(executions, "steps", lambda _arn: polled.pop(0))
    monkeypatch.setattr(executions, "_POLL_SECONDS", 0)
    assert executions.watch("arn")["PipelineExecutionStatus"] == "Failed"
    told = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        ["step", "status"],
        ["Prepare", "Starting"],
        ["Prepare", "Executing"],
        ["Prepare", "Succeeded"],
        ["FineTune", "Starting"],
        ["FineTune", "Failed"],
    ]


def _data(folder: Path, lines: str = '{"instruction": "Who?", "response": "I"}\n') -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text(lines)
    (folder / "template.json").write_text(
        '{"prompt": "Say: {instruction}", "completion": "{response}"}'
    )
    return folder


def test_data_that_changed_are_uploaded_to_another_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored: list[str] = []
    account = SimpleNamespace(
        upload_file=lambda _file, bucket, key: stored.append(f"{bucket}/{key}")
    )
    monkeypatch.setattr(datasets, "client", lambda _service: account)
    folder = _data(tmp_path / "mine")
    (folder / ".DS_Store").write_text("x")
    first = upload(folder, "data-bucket")
    assert first.startswith("s3://data-bucket/data/mine/")
    assert sorted(f"s3://{key}" for key in stored) == [
        f"{first}template.json",
        f"{first}train.jsonl",
    ]
    monkeypatch.chdir(folder)
    assert upload(Path(), "data-bucket") == first
    _data(folder, '{"instruction": "Who?", "response": "you"}\n')
    assert upload(folder, "data-bucket") != first
    (folder / "train.jsonl").rename(folder / "other.jsonl")
    renamed = upload(folder, "data-bucket")
    assert renamed not in (first, upload(_data(tmp_path / "mine"), "data-bucket"))


@pytest.mark.parametrize("name", ["nothing-here", "empty"])
def test_data_without_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=f"data must be a folder.*got .*{name}"):
        upload(tmp_path / name, "data-bucket")


def test_first_request_asks_what_the_first_example_does(tmp_path: Path) -> None:
    message = {"role": "user", "content": "Say: Who?"}
    assert first_request(_data(tmp_path / "a"), "instruction") == (
        "v1/chat/completions",
        {"messages": [message]},
    )
    text = tmp_path / "b"
    text.mkdir()
    (text / "book.txt").write_text("The harbour\n\nlies in the bay")
    assert first_request(text, "domain") == (
        "v1/completions",
        {"prompt": "The harbour lies in the bay"},
    )


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("", "https://a1.execute-api.eu-west-1.amazonaws.com/api"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566/_aws/execute-api/a1/api"),
    ],
)
def test_api_is_found_on_aws_and_on_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    found = {"ApiUrl": "https://a1.execute-api.eu-west-1.amazonaws.com/api/", "RestApiId": "a1"}
    assert base_url(found) == url


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("v1/chat/completions", {"choices": [{"delta": {"content": "violet"}}]}),
        ("v1/completions", {"choices": [{"text": "violet"}]}),
    ],
)
def test_answer_is_printed_as_it_streams(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
    event: dict[str, Any],
) -> None:
    found = {"ApiUrl": "https://api.test/api", "RestApiId": "a1", "ModelId": "mistral-7b"}
    monkeypatch.setattr(answers, "outputs", lambda *_: found)
    monkeypatch.setattr(answers, "client_names", lambda _: ["Demo"])
    monkeypatch.setattr(answers, "key_of", lambda *_: "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"https://api.test/api/{path}"
        assert request.headers["Authorization"] == "Bearer secret"
        assert json.loads(request.content)["stream"] is True
        frames = [": waiting", f"data: {json.dumps(event)}", f"data:{json.dumps(event)}"]
        return httpx.Response(200, text="\n\n".join([*frames, "data: [DONE]", ""]))

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "stream", client.stream)
    answers.print_answer("prod", path, {"prompt": "?"})
    assert capsys.readouterr().out == "violetviolet\n"


def test_parameter_that_the_registry_could_not_keep_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outputs = {"DataBucketName": "b", "PipelineName": "p"}
    monkeypatch.setattr(finetune, "outputs", lambda *_: outputs)
    monkeypatch.setattr(finetune, "upload", lambda *_: "s3://b/data/x/")
    monkeypatch.setattr(finetune, "_start", lambda *_: pytest.fail("was started"))
    long = {"BaseModelUri": f"s3://b/{'x' * 300}"}
    with pytest.raises(SystemExit, match="BaseModelUri must have 256 characters at most"):
        finetune.finetune(
            "prod", data=_data(tmp_path / "d"), mode="instruction", fail=None, values=long
        )


def _is_approved(monkeypatch: pytest.MonkeyPatch, approval: str) -> bool:
    made = {"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": _PACKAGE}}}
    package = {
        "ModelApprovalStatus": approval,
        "CustomerMetadataProperties": {"report": "s3://b/evaluations/x/report.html"},
    }
    account = SimpleNamespace(describe_model_package=lambda **_: package)
    monkeypatch.setattr(finetune, "steps", lambda _arn: [made])
    monkeypatch.setattr(finetune, "client", lambda _service: account)
    monkeypatch.setattr(finetune, "_metrics", lambda _package: {"loss": {"value": 1.5}})
    return finetune._is_released("prod", "arn")


def test_model_that_waits_for_a_person_is_shown_with_the_command_that_releases_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _is_approved(monkeypatch, "PendingManualApproval")
    printed = capsys.readouterr().out
    assert "s3://b/evaluations/x/report.html" in printed
    assert (
        f"aws sagemaker update-model-package --model-package-arn {_PACKAGE}"
        " --model-approval-status Approved\n"
    ) in printed
    assert _is_approved(monkeypatch, "Approved")


def _stack_event(token: str, status: str, kind: str = "CloudFormation::Stack") -> dict[str, str]:
    return {
        "ClientRequestToken": token,
        "ResourceType": f"AWS::{kind}",
        "LogicalResourceId": kind.rpartition(":")[2],
        "ResourceStatus": status,
        "ResourceStatusReason": "no capacity",
    }


class _Stack:
    """A stack that was updated before, and shows an update that begins one event later."""

    def __init__(self, *events: tuple[str, ...]) -> None:
        self._coming, self._events = list(events), [_stack_event("older", "UPDATE_COMPLETE")]
        self._token = ""

    def update_stack(self, **request: str) -> None:
        self._token = request["ClientRequestToken"]

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        answer = {"StackEvents": list(self._events)}
        if self._coming:
            self._events.insert(0, _stack_event(self._token, *self._coming.pop(0)))
        return answer


def _serve(monkeypatch: pytest.MonkeyPatch, stack: _Stack) -> None:
    found = {"StackName": "Prod-Serving", "Parameters": [], "StackStatus": "UPDATE_COMPLETE"}
    monkeypatch.setattr(updates, "describe", lambda *_: found)
    monkeypatch.setattr(updates, "client", lambda _service: stack)
    monkeypatch.setattr(updates, "_POLL_SECONDS", 0)
    updates.serve_package("prod", _PACKAGE)


def test_update_is_watched_to_its_own_end_and_not_to_that_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _serve(monkeypatch, _Stack(("UPDATE_IN_PROGRESS",), ("UPDATE_COMPLETE",)))
    printed = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_failed_update_is_told_with_its_first_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = _Stack(
        ("UPDATE_IN_PROGRESS",),
        ("UPDATE_FAILED", "SageMaker::Endpoint"),
        ("UPDATE_ROLLBACK_COMPLETE",),
    )
    with pytest.raises(SystemExit, match="UPDATE_ROLLBACK_COMPLETE: Endpoint: no capacity"):
        _serve(monkeypatch, stack)
