"""The release function against CloudFormation and SageMaker as botocore knows them."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from model_release import callback, checks, handler, registry, serving_stack
from model_release.inventory import File, digest, to_bytes

_STACK = "Prod-Serving"
_STACK_ID = f"arn:aws:cloudformation:eu-west-1:111111111111:stack/{_STACK}/0a1b"
_PACKAGES = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/prod-training-mistral-7b/"
_PACKAGE = f"{_PACKAGES}3"
_SERVICE_ROLE = "arn:aws:iam::111111111111:role/Prod-Training-ReleaseServiceRole"
_EXECUTION = "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/fine-tune/execution/abc"
_TOKEN = "abcDEF0123"  # noqa: S105 - names a step, and opens nothing
_UPDATE_TOKEN = f"callback-3-{_TOKEN}"
_APPROVAL_TOKEN = "approval-3-20261122100000"  # noqa: S105 - the same
_DEFAULTS = {"default_min_loss_reduction": "0.02", "default_min_retrieval_change": "0.0"}
_FILES = [File("model.safetensors", 9, "w")]
_INVENTORY = {
    "inventory": "s3://artifacts/inventories/job.json",
    "inventory_sha256": digest(to_bytes(_FILES)),
}
_CONTAINER: dict[str, Any] = {
    "Environment": {"SM_NUM_GPUS": "1"},
    "ModelDataSource": {
        "S3DataSource": {
            "S3Uri": "s3://artifacts/models/job/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
        }
    },
}
_NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _client(service: str) -> Any:
    session = botocore.session.get_session()
    return session.create_client(
        service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture(name="cloudformation")
def _cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = _client("cloudformation")
    monkeypatch.setattr(serving_stack, "cloudformation", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


class _Artifacts:
    """An artefact bucket with one model, as it was stored."""

    exceptions = SimpleNamespace(NoSuchKey=KeyError)

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(to_bytes(_FILES))}

    def get_paginator(self, _operation: str) -> Any:
        contents = [{"Key": f"models/job/{f.name}", "Size": f.size, "ETag": f.etag} for f in _FILES]
        return SimpleNamespace(paginate=lambda **_: [{"Contents": contents}])


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE", "tgi:1.1")
    monkeypatch.setenv("CONTAINER_ENVIRONMENT", json.dumps(_CONTAINER["Environment"]))
    monkeypatch.setenv("ARTIFACTS", "artifacts")
    monkeypatch.setattr(checks, "s3", _Artifacts)


@pytest.fixture(name="sagemaker", autouse=True)
def _sagemaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = _client("sagemaker")
    for module in (callback, registry):
        monkeypatch.setattr(module, "sagemaker", lambda: client)
    monkeypatch.setenv("SERVING_STACK", _STACK)
    monkeypatch.setenv("SERVICE_ROLE", _SERVICE_ROLE)
    monkeypatch.setenv("ATTEMPTS", "3")
    monkeypatch.setenv("PACKAGES", _PACKAGES)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _handle(message: dict[str, Any], *, attempt: int = 1) -> list[dict[str, str]]:
    attributes = {"ApproximateReceiveCount": str(attempt)}
    record = {"messageId": "m-1", "body": json.dumps(message), "attributes": attributes}
    failures: list[dict[str, str]] = handler.handle({"Records": [record]}, None)[
        "batchItemFailures"
    ]
    return failures


def _callback(status: str = "Executing") -> dict[str, Any]:
    return {
        "token": _TOKEN,
        "pipelineExecutionArn": _EXECUTION,
        "arguments": {"model_package_arn": _PACKAGE},
        "status": status,
    }


def _is_executing(sagemaker: Stubber, status: str = "Executing", **thresholds: str) -> None:
    _is_package(sagemaker, registered="Approved", **thresholds)
    sagemaker.add_response(
        "describe_pipeline_execution",
        {"PipelineExecutionStatus": status},
        {"PipelineExecutionArn": _EXECUTION},
    )


def _is_in(cloudformation: Stubber, status: str) -> None:
    parameters = [
        {"ParameterKey": "BootstrapVersion", "ParameterValue": "/cdk-bootstrap/x/version"},
        {"ParameterKey": "ModelPackageArn", "ParameterValue": ""},
    ]
    stack = {
        "StackName": _STACK,
        "StackStatus": status,
        "CreationTime": _NOW,
        "Parameters": parameters,
    }
    cloudformation.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": _STACK})


def _update(token: str = _UPDATE_TOKEN) -> dict[str, Any]:
    return {
        "StackName": _STACK,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
            {"ParameterKey": "ModelPackageArn", "ParameterValue": _PACKAGE},
        ],
        "Capabilities": ["CAPABILITY_IAM"],
        "RoleARN": _SERVICE_ROLE,
        "ClientRequestToken": token,
    }


def _succeeds(sagemaker: Stubber) -> None:
    sagemaker.add_response(
        "send_pipeline_execution_step_success",
        {"PipelineExecutionArn": _EXECUTION},
        {"CallbackToken": _TOKEN},
    )


def _fails(sagemaker: Stubber, reason: str, *, cut: str | None = None) -> None:
    sagemaker.add_response(
        "send_pipeline_execution_step_failure",
        {"PipelineExecutionArn": _EXECUTION},
        {"CallbackToken": _TOKEN, "FailureReason": cut or reason},
    )
    _is_rejected(sagemaker, reason)


def _is_rejected(sagemaker: Stubber, reason: str) -> None:
    _is_set(sagemaker, "Rejected", reason)


def _is_held(sagemaker: Stubber, reason: str, metadata: dict[str, str]) -> None:
    kept = {"CustomerMetadataProperties": {**_INVENTORY, **metadata, "gate_lowered": reason}}
    _is_set(sagemaker, "PendingManualApproval", f"{reason}: a person must approve", kept)


def _is_set(
    sagemaker: Stubber, status: str, reason: str, more: dict[str, Any] | None = None
) -> None:
    sagemaker.add_response(
        "update_model_package",
        {"ModelPackageArn": _PACKAGE},
        {
            "ModelPackageArn": _PACKAGE,
            "ModelApprovalStatus": status,
            "ApprovalDescription": reason,
            **(more or {}),
        },
    )


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_callback_updates_the_stack_with_its_token(
    cloudformation: Stubber, sagemaker: Stubber, status: str
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, status)
    cloudformation.add_response("update_stack", {"StackId": _STACK_ID}, _update())
    assert _handle(_callback()) == []


def test_callback_succeeds_when_the_stack_serves_the_package_already(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    message = "No updates are to be performed."
    cloudformation.add_client_error("update_stack", "ValidationError", message)
    _succeeds(sagemaker)
    assert _handle(_callback()) == []


def test_callback_goes_back_to_the_queue_when_the_stack_is_busy(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_IN_PROGRESS")
    _has_events(cloudformation, _event("Model", "UPDATE_IN_PROGRESS", "", "a-deployment"))
    assert _handle(_callback()) == [{"itemIdentifier": "m-1"}]


def test_callback_delivered_again_while_its_own_update_runs_waits_for_its_end(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_IN_PROGRESS")
    _has_events(cloudformation, _event("Model", "UPDATE_IN_PROGRESS", ""))
    assert _handle(_callback(), attempt=3) == []


def test_callback_ends_at_once_when_a_person_must_approve(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_package(sagemaker, "PendingManualApproval", registered="PendingManualApproval")
    _succeeds(sagemaker)
    assert _handle(_callback()) == []
    cloudformation.assert_no_pending_responses()


def test_callback_believes_the_registry_when_its_message_says_something_else(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_package(sagemaker, "PendingManualApproval")
    _succeeds(sagemaker)
    message = _callback()
    message["arguments"]["approval"] = "Approved"
    assert _handle(message) == []
    cloudformation.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("thresholds", "reason"),
    [
        (
            {"min_loss_reduction": "0.001", "min_retrieval_change": "0.0"},
            "min_loss_reduction was 0.001, below the environment's 0.02",
        ),
        (
            {"min_loss_reduction": "1e-9", "min_retrieval_change": "-1.0"},
            "min_loss_reduction was 1e-9, below the environment's 0.02 and min_retrieval_change"
            " was -1.0, below the environment's 0.0",
        ),
    ],
)
def test_callback_leaves_a_package_of_a_lowered_gate_to_a_person(
    cloudformation: Stubber, sagemaker: Stubber, thresholds: dict[str, str], reason: str
) -> None:
    _is_executing(sagemaker, **_DEFAULTS, **thresholds)
    metadata = {**_DEFAULTS, **thresholds, "approval_at_registration": "Approved"}
    _is_held(sagemaker, reason, metadata)
    _succeeds(sagemaker)
    assert _handle(_callback()) == []
    cloudformation.assert_no_pending_responses()


def test_lowered_gate_is_noted_where_a_person_must_approve_anyway(sagemaker: Stubber) -> None:
    metadata = {**_DEFAULTS, "min_loss_reduction": "0.01", "min_retrieval_change": "0.0"}
    _is_package(sagemaker, "PendingManualApproval", **metadata)
    _is_held(sagemaker, "min_loss_reduction was 0.01, below the environment's 0.02", metadata)
    _succeeds(sagemaker)
    assert _handle(_callback()) == []


def test_lowered_gate_is_noted_once(sagemaker: Stubber) -> None:
    noted = {"min_loss_reduction": "0.01", "min_retrieval_change": "0.0", "gate_lowered": "so"}
    _is_package(sagemaker, "PendingManualApproval", **_DEFAULTS, **noted)
    _succeeds(sagemaker)
    assert _handle(_callback()) == []


def test_callback_releases_a_package_of_a_raised_gate(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    raised = {"min_loss_reduction": "0.5", "min_retrieval_change": "0.0"}
    _is_executing(sagemaker, **_DEFAULTS, **raised)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    cloudformation.add_response("update_stack", {"StackId": _STACK_ID}, _update())
    assert _handle(_callback()) == []


def test_callback_goes_back_to_the_queue_when_another_update_came_first(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    message = f"Stack:{_STACK_ID} is in UPDATE_IN_PROGRESS state and can not be updated."
    cloudformation.add_client_error("update_stack", "ValidationError", message)
    assert _handle(_callback()) == [{"itemIdentifier": "m-1"}]


def test_callback_fails_with_words_when_the_stack_stays_busy(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_IN_PROGRESS")
    _has_events(cloudformation)
    _fails(
        sagemaker,
        "stack Prod-Serving is in UPDATE_IN_PROGRESS and stayed busy: release it again later",
    )
    assert _handle(_callback(), attempt=3) == []


def test_callback_fails_when_the_stack_is_broken(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_ROLLBACK_FAILED")
    _fails(
        sagemaker,
        "stack Prod-Serving must be repaired before a release, it is UPDATE_ROLLBACK_FAILED",
    )
    assert _handle(_callback()) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationError", "Stack with id Prod-Serving does not exist"),
        ("AccessDenied", "not authorized to perform: cloudformation:DescribeStacks"),
    ],
)
def test_callback_fails_at_once_when_the_stack_cannot_be_read(
    cloudformation: Stubber, sagemaker: Stubber, code: str, message: str
) -> None:
    _is_executing(sagemaker)
    cloudformation.add_client_error("describe_stacks", code, message)
    _fails(sagemaker, f"stack Prod-Serving: {message}")
    assert _handle(_callback()) == []


def test_callback_fails_when_nothing_was_mended_until_the_last_attempt(sagemaker: Stubber) -> None:
    _is_package(sagemaker)
    sagemaker.add_client_error("describe_pipeline_execution", "AccessDeniedException", "no policy")
    with pytest.raises(Exception, match="no policy"):  # the queue delivers the message again
        _handle(_callback(), attempt=2)
    _is_package(sagemaker)
    sagemaker.add_client_error("describe_pipeline_execution", "AccessDeniedException", "no policy")
    _fails(
        sagemaker,
        "the release could not begin: An error occurred (AccessDeniedException) when calling the"
        " DescribePipelineExecution operation: no policy",
    )
    assert _handle(_callback(), attempt=3) == []


def test_callback_fails_when_cloudformation_refuses_the_value(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    message = "Parameter ModelPackageArn failed to satisfy constraint"
    cloudformation.add_client_error("update_stack", "ValidationError", message)
    _fails(sagemaker, f"stack Prod-Serving: {message}")
    assert _handle(_callback()) == []


def test_message_delivered_twice_releases_once(cloudformation: Stubber, sagemaker: Stubber) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    cloudformation.add_client_error("update_stack", "TokenAlreadyExistsException", "used")
    assert _handle(_callback()) == []


def test_failure_of_a_service_is_not_taken_for_a_refusal(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    cloudformation.add_client_error("update_stack", "Throttling", "Rate exceeded")
    with pytest.raises(Exception, match="Rate exceeded"):  # the queue delivers the message again
        _handle(_callback())


def test_nothing_is_released_for_an_execution_that_ended(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_executing(sagemaker, "Stopped")
    assert _handle(_callback()) == []
    cloudformation.assert_no_pending_responses()


@pytest.mark.parametrize(("token", "answered"), [("another-token", True), (_UPDATE_TOKEN, False)])
def test_stopping_ends_the_step_unless_its_update_began(
    cloudformation: Stubber, sagemaker: Stubber, token: str, *, answered: bool
) -> None:
    _is_package(sagemaker)
    _has_events(cloudformation, _event("Model", "UPDATE_IN_PROGRESS", "", token))
    if answered:
        _fails(sagemaker, "the execution was stopped before its release began")
    assert _handle(_callback("Stopping")) == []


def _has_events(cloudformation: Stubber, *events: dict[str, Any]) -> None:
    cloudformation.add_response("describe_stack_events", {"StackEvents": list(events)})


def _event(resource: str, status: str, reason: str, token: str = _UPDATE_TOKEN) -> dict[str, Any]:
    return {
        "StackId": _STACK_ID,
        "EventId": "1",
        "StackName": _STACK,
        "Timestamp": _NOW,
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ClientRequestToken": token,
    }


def _status_change(status: str, token: str = _UPDATE_TOKEN) -> dict[str, Any]:
    detail = {
        "stack-id": _STACK_ID,
        "status-details": {"status": status, "status-reason": "rolled back"},
        "client-request-token": token,
    }
    return {"detail-type": "CloudFormation Stack Status Change", "detail": detail}


def test_end_of_an_update_ends_the_step(sagemaker: Stubber) -> None:
    _succeeds(sagemaker)
    assert _handle(_status_change("UPDATE_COMPLETE")) == []


def test_failed_update_fails_the_step_with_the_first_cause(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _has_events(
        cloudformation,
        _event("Config", "UPDATE_FAILED", "Resource update cancelled"),
        _event("Alarm", "UPDATE_FAILED", "a consequence"),
        _event("LlmEndpoint", "UPDATE_FAILED", "did not pass the ping health check"),
        _event("LlmEndpoint", "UPDATE_IN_PROGRESS", ""),
        _event("LlmModel", "UPDATE_FAILED", "of a former update", "former"),
    )
    _fails(
        sagemaker,
        "UPDATE_ROLLBACK_COMPLETE: LlmEndpoint: did not pass the ping health check",
    )
    assert _handle(_status_change("UPDATE_ROLLBACK_COMPLETE")) == []


def test_long_reasons_are_cut_to_what_sagemaker_takes(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _has_events(cloudformation, _event("E", "UPDATE_FAILED", "x" * 2000))
    reason = f"UPDATE_FAILED: E: {'x' * 2000}"
    _fails(sagemaker, reason[:1024], cut=reason[:256])
    assert _handle(_status_change("UPDATE_FAILED")) == []


def test_failed_release_of_a_persons_approval_takes_the_approval_back(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    failed = _event("LlmEndpoint", "UPDATE_FAILED", "no capacity", _APPROVAL_TOKEN)
    _has_events(cloudformation, failed)
    _is_rejected(sagemaker, "UPDATE_ROLLBACK_COMPLETE: LlmEndpoint: no capacity")
    assert _handle(_status_change("UPDATE_ROLLBACK_COMPLETE", _APPROVAL_TOKEN)) == []


def test_release_of_a_persons_approval_ends_without_an_answer(sagemaker: Stubber) -> None:
    assert _handle(_status_change("UPDATE_COMPLETE", _APPROVAL_TOKEN)) == []
    sagemaker.assert_no_pending_responses()


@pytest.mark.parametrize("token", ["", "3d0e1a3e-1111-2222-3333-444455556666", _TOKEN])
def test_updates_of_others_are_no_news(token: str) -> None:
    assert _handle(_status_change("UPDATE_COMPLETE", token)) == []


def test_news_that_came_twice_is_no_fault(sagemaker: Stubber) -> None:
    sagemaker.add_client_error(
        "send_pipeline_execution_step_success", "ResourceNotFound", "no such token"
    )
    assert _handle(_status_change("UPDATE_COMPLETE")) == []


def _approval(changed: list[str] | None = None) -> dict[str, Any]:
    detail = {"ModelPackageArn": _PACKAGE, "ModelApprovalStatus": "Approved"}
    if changed is not None:
        detail["UpdatedModelPackageFields"] = changed  # type: ignore[assignment] # JSON
    return {
        "detail-type": "SageMaker Model Package State Change",
        "time": "2026-11-22T10:00:00Z",
        "detail": detail,
    }


def _is_package(
    sagemaker: Stubber,
    status: str = "Approved",
    registered: str = "",
    image: str = "tgi:1.1",
    **metadata: str,
) -> None:
    package = {
        "ModelPackageName": "prod-training-mistral-7b/3",
        "ModelPackageArn": _PACKAGE,
        "ModelPackageVersion": 3,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CreationTime": _NOW,
        "ModelApprovalStatus": status,
        "InferenceSpecification": {"Containers": [{**_CONTAINER, "Image": image}]},
    }
    if registered:
        metadata["approval_at_registration"] = registered
    package["CustomerMetadataProperties"] = {**_INVENTORY, **metadata}
    sagemaker.add_response("describe_model_package", package, {"ModelPackageName": _PACKAGE})


@pytest.mark.parametrize("registered", ["Approved", "PendingManualApproval", ""])
def test_approval_by_a_person_releases_without_a_callback(
    cloudformation: Stubber, sagemaker: Stubber, registered: str
) -> None:
    _is_package(sagemaker, registered=registered)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    cloudformation.add_response("update_stack", {"StackId": _STACK_ID}, _update(_APPROVAL_TOKEN))
    assert _handle(_approval(["ApprovalDescription", "ModelApprovalStatus"])) == []


def test_package_registered_approved_by_a_person_is_released(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_package(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE")
    cloudformation.add_response("update_stack", {"StackId": _STACK_ID}, _update(_APPROVAL_TOKEN))
    assert _handle(_approval()) == []


@pytest.mark.parametrize("changed", [None, []])
def test_approval_that_came_with_the_registration_is_the_pipelines_to_release(
    cloudformation: Stubber, sagemaker: Stubber, changed: list[str] | None
) -> None:
    _is_package(sagemaker, registered="Approved")
    assert _handle(_approval(changed)) == []
    cloudformation.assert_no_pending_responses()


def test_edit_of_an_approved_package_releases_nothing(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    assert _handle(_approval(["CustomerMetadataProperties"])) == []
    cloudformation.assert_no_pending_responses()
    sagemaker.assert_no_pending_responses()


def test_approval_that_was_withdrawn_releases_nothing(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_package(sagemaker, "Rejected")
    assert _handle(_approval(["ModelApprovalStatus"])) == []
    cloudformation.assert_no_pending_responses()


def test_approval_waits_when_the_stack_is_busy(cloudformation: Stubber, sagemaker: Stubber) -> None:
    _is_package(sagemaker)
    _is_in(cloudformation, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    _has_events(cloudformation)
    assert _handle(_approval(["ModelApprovalStatus"])) == [{"itemIdentifier": "m-1"}]


def test_approval_is_taken_back_when_the_stack_is_broken(
    cloudformation: Stubber, sagemaker: Stubber
) -> None:
    _is_package(sagemaker)
    _is_in(cloudformation, "UPDATE_ROLLBACK_FAILED")
    _is_rejected(
        sagemaker,
        "stack Prod-Serving must be repaired before a release, it is UPDATE_ROLLBACK_FAILED",
    )
    assert _handle(_approval(["ModelApprovalStatus"])) == []


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "9" * 5000, "[]", "null"])
def test_a_message_that_cannot_be_read_stays_in_the_queue_for_its_dead_letters(body: str) -> None:
    record = {"body": body, "messageId": "m", "attributes": {"ApproximateReceiveCount": "1"}}
    with pytest.raises((ValueError, RecursionError, AttributeError)):
        handler.handle({"Records": [record]}, None)


@pytest.mark.parametrize("by_callback", [True, False])
def test_package_that_brings_something_else_is_rejected_before_any_update(
    cloudformation: Stubber, sagemaker: Stubber, *, by_callback: bool
) -> None:
    _is_package(sagemaker, image="evil:1")
    reason = "the package's image must be the catalog's, tgi:1.1, got evil:1"
    if by_callback:
        sagemaker.add_response(
            "describe_pipeline_execution", {"PipelineExecutionStatus": "Executing"}
        )
        _fails(sagemaker, reason)
        assert _handle(_callback()) == []
    else:
        _is_rejected(sagemaker, reason)
        assert _handle(_approval(["ModelApprovalStatus"])) == []
    cloudformation.assert_no_pending_responses()
