"""Releases from their request to the end of the stack update, against an account with state."""

import re
from datetime import datetime
from typing import Any

import pytest

from tests.unit.model_release.account import (
    PACKAGE,
    SERVICE_ROLE,
    TOKEN,
    Account,
    approval,
    request,
)
from tests.unit.model_release.aws_double import STACK

_UPDATE_TOKEN = f"callback-3-{TOKEN}"
_APPROVAL_TOKEN = "approval-3-20261122100000"  # noqa: S105 - names an update, and opens nothing
_DEFAULTS = {"default_min_loss_reduction": "0.02", "default_min_retrieval_change": "0.0"}
_TAKEN_BACK = (
    f"the stack says {PACKAGE}, but the endpoint serves the base weights: SageMaker"
    " rolled the update back"
)
_WAITS = [{"itemIdentifier": "m-1"}]
_BROKEN = (
    "stack Prod-Serving is UPDATE_ROLLBACK_FAILED: `make repair`, or aws cloudformation"
    " continue-update-rollback --stack-name Prod-Serving, must come before any release"
)


def _update(token: str = _UPDATE_TOKEN) -> dict[str, Any]:
    return {
        "StackName": STACK,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
            {"ParameterKey": "ModelPackageArn", "ParameterValue": PACKAGE},
            {"ParameterKey": "Unguarded", "ParameterValue": ""},
        ],
        "Capabilities": ["CAPABILITY_IAM"],
        "RoleARN": SERVICE_ROLE,
        "ClientRequestToken": token,
    }


def _assert_nothing_happened(account: Account, status: str = "Approved") -> None:
    assert account.cloudformation.updates == []
    assert account.sagemaker.answers == {}
    assert account.package["ModelApprovalStatus"] == status
    assert "ApprovalDescription" not in account.package


def _assert_failed(account: Account, reason: str) -> None:
    """The step failed, and the approval was taken back, for the same reason."""
    assert account.sagemaker.answers == {TOKEN: reason}
    _assert_rejected(account, reason)


def _assert_rejected(account: Account, reason: str) -> None:
    assert account.package["ModelApprovalStatus"] == "Rejected"
    assert account.package["ApprovalDescription"] == reason


def _assert_left_approved(account: Account, reason: str) -> None:
    """The step failed, and the package, which is not at fault, can be released again."""
    assert account.sagemaker.answers == {TOKEN: reason[:256]}
    _assert_noted(account, reason)


def _assert_noted(account: Account, reason: str) -> None:
    assert account.package["ModelApprovalStatus"] == "Approved"
    assert account.package["ApprovalDescription"] == (
        f"{reason}; to retry, set the package to PendingManualApproval and approve it again"
    )


def _assert_held(account: Account, reason: str, metadata: dict[str, str]) -> None:
    assert account.package["ModelApprovalStatus"] == "PendingManualApproval"
    assert account.package["ApprovalDescription"] == f"{reason}: a person must approve"
    assert account.package["CustomerMetadataProperties"] == {**metadata, "gate_lowered": reason}
    assert re.fullmatch(r"[\w .:/=+\-@]*", reason)  # what the service takes as a value


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_callback_updates_the_stack_with_its_token(account: Account, status: str) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.status = status
    assert account.handle(request()) == []
    assert account.cloudformation.updates == [_update()]
    assert account.sagemaker.answers == {}


def test_release_ends_its_step_when_the_update_ends(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.handle(request())
    assert account.cloudformation.parameters["ModelPackageArn"] == PACKAGE
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    assert account.handle(news) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}
    assert account.package["ModelApprovalStatus"] == "Approved"
    metadata = account.package["CustomerMetadataProperties"]
    assert datetime.fromisoformat(metadata["served_at"]).tzinfo  # what a rollback goes by
    assert metadata["approval_at_registration"] == "Approved"


def test_release_leaves_a_stack_alone_that_serves_the_package_unguarded(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.serves_package()
    before = dict(account.cloudformation.parameters)
    account.handle(request())
    assert account.cloudformation.parameters == before


def test_callback_succeeds_when_the_stack_serves_the_package_already(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.serves_package()
    assert account.handle(request()) == []
    assert account.cloudformation.updates == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}


def test_callback_fails_when_only_the_stack_says_that_the_package_is_served(
    account: Account,
) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.parameters["ModelPackageArn"] = PACKAGE
    assert account.handle(request()) == []
    _assert_failed(account, _TAKEN_BACK)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_callback_waits_without_an_update_while_the_endpoint_changes(
    account: Account, status: str
) -> None:
    account.register(by_pipeline="Approved")
    account.sagemaker.endpoint_status = status
    assert account.handle(request()) == _WAITS
    _assert_nothing_happened(account)
    account.sagemaker.endpoint_status = "InService"
    assert account.handle(request(), attempt=2) == []
    assert account.cloudformation.updates == [_update()]


def test_callback_waits_without_an_update_while_the_endpoint_scales(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.sagemaker.instances["DesiredInstanceCount"] = 3
    assert account.handle(request()) == _WAITS
    _assert_nothing_happened(account)


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed", "OutOfService"])
def test_callback_fails_at_once_when_the_endpoint_is_broken(account: Account, status: str) -> None:
    account.register(by_pipeline="Approved")
    account.sagemaker.endpoint_status = status
    assert account.handle(request()) == []
    _assert_left_approved(
        account,
        f"endpoint prod-serving-llm must be repaired before a release, it is {status}:"
        " no reason was given",
    )
    assert account.cloudformation.updates == []


def test_approval_that_waited_too_long_for_the_endpoint_is_kept(account: Account) -> None:
    account.register()
    account.sagemaker.endpoint_status = "SystemUpdating"
    assert account.handle(approval(["ModelApprovalStatus"]), attempt=3) == []
    busy = (
        "endpoint prod-serving-llm is SystemUpdating and stayed busy: release the model again later"
    )
    _assert_noted(account, busy)


def test_callback_goes_back_to_the_queue_when_the_stack_is_busy(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.begin_update("a-deployment")
    assert account.handle(request()) == _WAITS
    _assert_nothing_happened(account)


def test_callback_that_waited_releases_when_the_stack_is_free(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.begin_update("a-deployment")
    assert account.handle(request()) == _WAITS
    account.handle(account.cloudformation.ended("UPDATE_COMPLETE", "a-deployment"))
    assert account.handle(request(), attempt=2) == []
    assert account.cloudformation.updates == [_update()]


def test_callback_delivered_again_while_its_own_update_runs_waits_for_its_end(
    account: Account,
) -> None:
    account.register(by_pipeline="Approved")
    account.handle(request())
    assert account.handle(request(), attempt=3) == []
    assert account.cloudformation.updates == [_update()]
    assert account.sagemaker.answers == {}


def test_callback_ends_at_once_when_a_person_must_approve(account: Account) -> None:
    account.register("PendingManualApproval", by_pipeline="PendingManualApproval")
    assert account.handle(request()) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}
    assert account.cloudformation.calls == []
    assert account.package["ModelApprovalStatus"] == "PendingManualApproval"


def test_callback_believes_the_registry_when_its_message_says_something_else(
    account: Account,
) -> None:
    account.register("PendingManualApproval")
    message = request()
    message["arguments"]["approval"] = "Approved"
    assert account.handle(message) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}
    assert account.cloudformation.calls == []


@pytest.mark.parametrize(
    ("thresholds", "reason"),
    [
        (
            {"min_loss_reduction": "0.001", "min_retrieval_change": "0.0"},
            "min_loss_reduction was 0.001 where the environment has 0.02",
        ),
        (
            {"min_loss_reduction": "1e-9", "min_retrieval_change": "-1.0"},
            "min_loss_reduction was 1e-9 where the environment has 0.02 and min_retrieval_change"
            " was -1.0 where the environment has 0.0",
        ),
    ],
)
def test_callback_leaves_a_package_of_a_lowered_gate_to_a_person(
    account: Account, thresholds: dict[str, str], reason: str
) -> None:
    account.register(by_pipeline="Approved", **_DEFAULTS, **thresholds)
    registered = account.package["CustomerMetadataProperties"]
    assert account.handle(request()) == []
    _assert_held(account, reason, registered)
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}
    assert account.cloudformation.calls == []


def test_lowered_gate_is_noted_where_a_person_must_approve_anyway(account: Account) -> None:
    metadata = {**_DEFAULTS, "min_loss_reduction": "0.01", "min_retrieval_change": "0.0"}
    account.register("PendingManualApproval", **metadata)
    registered = account.package["CustomerMetadataProperties"]
    assert account.handle(request()) == []
    reason = "min_loss_reduction was 0.01 where the environment has 0.02"
    _assert_held(account, reason, registered)
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}


def test_lowered_gate_is_noted_once(account: Account) -> None:
    noted = {"min_loss_reduction": "0.01", "min_retrieval_change": "0.0", "gate_lowered": "so"}
    account.register("PendingManualApproval", **_DEFAULTS, **noted)
    assert account.handle(request()) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}
    assert "update_model_package" not in account.sagemaker.calls


def test_callback_releases_a_package_of_a_raised_gate(account: Account) -> None:
    raised = {"min_loss_reduction": "0.5", "min_retrieval_change": "0.0"}
    account.register(by_pipeline="Approved", **_DEFAULTS, **raised)
    assert account.handle(request()) == []
    assert account.cloudformation.updates == [_update()]


def test_callback_goes_back_to_the_queue_when_another_update_came_first(account: Account) -> None:
    account.register(by_pipeline="Approved")
    stack = account.cloudformation
    stack.before("update_stack", lambda: stack.begin_update("a-deployment"))
    assert account.handle(request()) == _WAITS
    _assert_nothing_happened(account)


def test_callback_fails_with_words_when_the_stack_stays_busy(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.status = "UPDATE_IN_PROGRESS"
    assert account.handle(request(), attempt=3) == []
    _assert_left_approved(
        account,
        "stack Prod-Serving is in UPDATE_IN_PROGRESS and stayed busy: release the model again"
        " later",
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("UPDATE_ROLLBACK_FAILED", _BROKEN),
        (
            "ROLLBACK_COMPLETE",
            "stack Prod-Serving must be repaired before a release, it is ROLLBACK_COMPLETE",
        ),
    ],
)
def test_callback_fails_and_rejects_nobody_when_the_stack_is_broken(
    account: Account, status: str, reason: str
) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.status = status
    assert account.handle(request()) == []
    _assert_left_approved(account, reason)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationError", "Stack with id Prod-Serving does not exist"),
        ("AccessDenied", "not authorized to perform: cloudformation:DescribeStacks"),
    ],
)
def test_callback_fails_at_once_when_the_stack_cannot_be_read(
    account: Account, code: str, message: str
) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.refuse("describe_stacks", code, message)
    assert account.handle(request()) == []
    _assert_failed(account, f"stack Prod-Serving: {message}")


def test_callback_fails_when_nothing_was_mended_until_the_last_attempt(account: Account) -> None:
    account.register()
    refused = ("describe_pipeline_execution", "AccessDeniedException", "no policy")
    account.sagemaker.refuse(*refused)
    with pytest.raises(Exception, match="no policy"):  # the queue delivers the message again
        account.handle(request(), attempt=2)
    _assert_nothing_happened(account)
    assert account.handle(request(), attempt=3) == []
    _assert_failed(
        account,
        "the release did not work: An error occurred (AccessDeniedException) when calling the"
        " DescribePipelineExecution operation: no policy",
    )


def test_callback_fails_in_words_where_adapters_keep_the_base_weights(account: Account) -> None:
    account.register(by_pipeline="Approved")
    # CloudFormation's words, which end in the parameter's own.
    message = (
        "Parameter ModelPackageArn failed to satisfy constraint: empty: the adapters were tuned"
        " from the base weights of mistral-7b"
    )
    account.cloudformation.refuse("update_stack", "ValidationError", message)
    assert account.handle(request()) == []
    _assert_failed(account, f"stack Prod-Serving: {message}")


def test_message_delivered_twice_releases_once(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.handle(request())
    account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    assert account.handle(request()) == []
    assert account.cloudformation.updates == [_update()]
    assert account.sagemaker.answers == {}


def test_failure_of_a_service_is_not_taken_for_a_refusal(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.cloudformation.refuse("update_stack", "Throttling", "Rate exceeded")
    with pytest.raises(Exception, match="Rate exceeded"):  # the queue delivers the message again
        account.handle(request())
    _assert_nothing_happened(account)


def test_nothing_is_released_for_an_execution_that_ended(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.sagemaker.execution_status = "Stopped"
    assert account.handle(request()) == []
    _assert_nothing_happened(account)
    assert account.cloudformation.calls == []


@pytest.mark.parametrize(("token", "answered"), [("another-token", True), (_UPDATE_TOKEN, False)])
def test_stopping_ends_the_step_unless_its_update_began(
    account: Account, token: str, *, answered: bool
) -> None:
    account.register()
    account.cloudformation.begin_update(token)
    assert account.handle(request("Stopping")) == []
    if answered:
        _assert_failed(account, "the execution was stopped before its release began")
    else:
        _assert_nothing_happened(account)


def test_message_delivered_twice_at_once_releases_once(account: Account) -> None:
    account.register(by_pipeline="Approved")
    account.handle(request())
    account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    account.cloudformation.events.clear()  # as if both deliveries had looked before the update
    assert account.handle(request()) == []
    assert account.cloudformation.calls.count("update_stack") == 2  # the second finds its token
    assert account.cloudformation.updates == [_update()]
    assert account.sagemaker.answers == {}


def test_end_of_an_update_ends_the_step(account: Account) -> None:
    account.register()
    account.cloudformation.parameters["ModelPackageArn"] = PACKAGE
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    assert account.handle(news) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}


def test_end_of_an_update_that_sagemaker_took_back_fails_the_step(account: Account) -> None:
    account.register()
    account.handle(request())
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    account.sagemaker.serve("")
    assert account.handle(news) == []
    _assert_failed(account, _TAKEN_BACK)


def test_end_of_an_update_fails_the_step_when_what_is_served_was_deleted_with_it(
    account: Account,
) -> None:
    # SageMaker took the update back, CloudFormation noticed nothing and cleaned up after it.
    account.register()
    account.handle(request())
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    account.sagemaker.configs.clear()
    assert account.handle(news) == []
    _assert_failed(account, _TAKEN_BACK.replace("the base weights", "what the update replaced"))


def test_end_of_an_update_waits_while_the_endpoint_still_changes(account: Account) -> None:
    account.register()
    account.handle(request())
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    account.sagemaker.serve("")
    account.sagemaker.endpoint_status = "SystemUpdating"
    assert account.handle(news) == _WAITS
    assert account.sagemaker.answers == {}
    account.sagemaker.endpoint_status = "InService"
    account.sagemaker.serve(PACKAGE)
    assert account.handle(news, attempt=2) == []
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}


def test_end_of_an_update_fails_the_step_when_another_update_took_the_model_away(
    account: Account,
) -> None:
    account.register()
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)  # and then a rollback
    assert account.handle(news) == []
    _assert_left_approved(account, "the stack was updated to the base weights meanwhile")


@pytest.mark.parametrize(
    ("cause", "help_"),
    [
        (
            "ResourceLimitExceeded: The account-level service limit 'ml.g5.2xlarge for endpoint"
            " usage' is 2 Instances, with current utilization of 2 Instances",
            "raise the quota 'ml.g5.2xlarge for endpoint usage': an update runs the instances"
            " twice",
        ),
        (
            "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity"
            " error. Please retry using a different ML instance type or after some time.",
            "AWS has no such instance free now: retry later, or change the instance type",
        ),
        (
            "User: arn:aws:sts::111111111111:assumed-role/release/AWSCloudFormation is not"
            " authorized to perform: sagemaker:CreateEndpointConfig on resource: c",
            "deploy the Training stack: its release role is for another instance type",
        ),
    ],
)
@pytest.mark.parametrize("token", [_UPDATE_TOKEN, _APPROVAL_TOKEN])
def test_update_without_instances_leaves_the_package_approved_and_says_what_to_do(
    account: Account, cause: str, help_: str, token: str
) -> None:
    account.register()
    account.cloudformation.happened("LlmEndpoint", "UPDATE_FAILED", cause, token)
    news = account.cloudformation.ended("UPDATE_ROLLBACK_COMPLETE", token)
    assert account.handle(news) == []
    reason = f"{help_}; UPDATE_ROLLBACK_COMPLETE: LlmEndpoint: {cause}"
    _assert_noted(account, reason)
    assert account.sagemaker.answers == ({TOKEN: reason[:256]} if token == _UPDATE_TOKEN else {})


def test_update_that_could_not_be_rolled_back_rejects_nobody_and_names_the_repair(
    account: Account,
) -> None:
    account.register()
    failed = ("LlmEndpoint", "UPDATE_FAILED", "did not pass the ping", _UPDATE_TOKEN)
    account.cloudformation.happened(*failed)
    news = account.cloudformation.ended("UPDATE_ROLLBACK_FAILED", _UPDATE_TOKEN)
    assert account.handle(news) == []
    reason = f"{_BROKEN}; the update failed with LlmEndpoint: did not pass the ping"
    _assert_left_approved(account, reason)


def test_failed_update_fails_the_step_with_the_first_cause(account: Account) -> None:
    account.register()
    for resource, status, reason, token in (
        ("LlmModel", "UPDATE_FAILED", "of a former update", "former"),
        ("LlmEndpoint", "UPDATE_IN_PROGRESS", "", _UPDATE_TOKEN),
        ("LlmEndpoint", "UPDATE_FAILED", "did not pass the ping health check", _UPDATE_TOKEN),
        ("Alarm", "UPDATE_FAILED", "a consequence", _UPDATE_TOKEN),
        ("Config", "UPDATE_FAILED", "Resource update cancelled", _UPDATE_TOKEN),
    ):
        account.cloudformation.happened(resource, status, reason, token)
    news = account.cloudformation.ended("UPDATE_ROLLBACK_COMPLETE", _UPDATE_TOKEN)
    assert account.handle(news) == []
    _assert_failed(
        account, "UPDATE_ROLLBACK_COMPLETE: LlmEndpoint: did not pass the ping health check"
    )


def test_failed_update_without_a_cause_fails_the_step_with_the_stacks_reason(
    account: Account,
) -> None:
    account.register()
    news = account.cloudformation.ended("UPDATE_ROLLBACK_COMPLETE", _UPDATE_TOKEN)
    assert account.handle(news) == []
    _assert_failed(account, "UPDATE_ROLLBACK_COMPLETE: rolled back")


def test_long_reasons_are_cut_to_what_sagemaker_takes(account: Account) -> None:
    account.register()
    account.cloudformation.happened("E", "UPDATE_FAILED", "x" * 2000, _UPDATE_TOKEN)
    news = account.cloudformation.ended("UPDATE_FAILED", _UPDATE_TOKEN)
    reason = f"UPDATE_FAILED: E: {'x' * 2000}"
    assert account.handle(news) == []
    assert account.sagemaker.answers == {TOKEN: reason[:256]}
    _assert_rejected(account, reason[:1024])


def test_failed_release_of_a_persons_approval_takes_the_approval_back(account: Account) -> None:
    account.register()
    failed = ("LlmEndpoint", "UPDATE_FAILED", "did not start", _APPROVAL_TOKEN)
    account.cloudformation.happened(*failed)
    news = account.cloudformation.ended("UPDATE_ROLLBACK_COMPLETE", _APPROVAL_TOKEN)
    assert account.handle(news) == []
    _assert_rejected(account, "UPDATE_ROLLBACK_COMPLETE: LlmEndpoint: did not start")
    assert account.sagemaker.answers == {}


@pytest.mark.parametrize("token", ["", "3d0e1a3e-1111-2222-3333-444455556666", TOKEN])
def test_end_of_an_update_that_no_step_waits_for_is_answered_to_nobody(
    account: Account, token: str
) -> None:
    assert account.handle(account.cloudformation.ended("UPDATE_COMPLETE", token)) == []
    assert account.sagemaker.calls == []


def test_end_of_an_approvals_update_is_answered_to_nobody(account: Account) -> None:
    account.register()
    account.handle(approval(["ModelApprovalStatus"]))
    news = account.cloudformation.ended("UPDATE_COMPLETE", _APPROVAL_TOKEN)
    assert account.handle(news) == []
    assert account.sagemaker.answers == {}
    assert "served_at" in account.package["CustomerMetadataProperties"]


def test_news_that_came_twice_is_no_fault(account: Account) -> None:
    account.register()
    account.cloudformation.parameters["ModelPackageArn"] = PACKAGE
    news = account.cloudformation.ended("UPDATE_COMPLETE", _UPDATE_TOKEN)
    for _ in range(2):
        assert account.handle(news) == []
    assert account.sagemaker.calls.count("send_pipeline_execution_step_success") == 2
    assert account.sagemaker.answers == {TOKEN: "Succeeded"}


@pytest.mark.parametrize("by_pipeline", ["Approved", "PendingManualApproval", ""])
def test_approval_by_a_person_releases_without_a_callback(
    account: Account, by_pipeline: str
) -> None:
    account.register(by_pipeline=by_pipeline)
    assert account.handle(approval(["ApprovalDescription", "ModelApprovalStatus"])) == []
    assert account.cloudformation.updates == [_update(_APPROVAL_TOKEN)]
    assert account.sagemaker.answers == {}


def test_package_registered_approved_by_a_person_is_released(account: Account) -> None:
    account.register()
    assert account.handle(approval()) == []
    assert account.cloudformation.updates == [_update(_APPROVAL_TOKEN)]


@pytest.mark.parametrize("changed", [None, []])
def test_approval_that_came_with_the_registration_is_the_pipelines_to_release(
    account: Account, changed: list[str] | None
) -> None:
    account.register(by_pipeline="Approved")
    assert account.handle(approval(changed)) == []
    _assert_nothing_happened(account)
    assert account.cloudformation.calls == []


def test_edit_of_an_approved_package_releases_nothing(account: Account) -> None:
    account.register()
    assert account.handle(approval(["CustomerMetadataProperties"])) == []
    assert account.cloudformation.calls == account.sagemaker.calls == []


def test_approval_that_was_withdrawn_releases_nothing(account: Account) -> None:
    account.register("Rejected")
    assert account.handle(approval(["ModelApprovalStatus"])) == []
    _assert_nothing_happened(account, "Rejected")
    assert account.cloudformation.calls == []


def test_approval_waits_when_the_stack_is_busy(account: Account) -> None:
    account.register()
    account.cloudformation.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    assert account.handle(approval(["ModelApprovalStatus"])) == _WAITS
    _assert_nothing_happened(account)


def test_approval_is_kept_when_the_stack_is_broken(account: Account) -> None:
    account.register()
    account.cloudformation.status = "UPDATE_ROLLBACK_FAILED"
    assert account.handle(approval(["ModelApprovalStatus"])) == []
    _assert_noted(account, _BROKEN)
    assert account.sagemaker.answers == {}


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "9" * 5000, "[]", "null", "{}"])
def test_a_message_that_cannot_be_read_stays_in_the_queue_for_its_dead_letters(
    account: Account, body: str
) -> None:
    with pytest.raises((ValueError, RecursionError)):
        account.handle(body, attempt=3)
    assert account.cloudformation.calls == account.sagemaker.calls == []


@pytest.mark.parametrize("by_callback", [True, False])
def test_package_that_brings_something_else_is_rejected_before_any_update(
    account: Account, *, by_callback: bool
) -> None:
    account.register()
    account.package["InferenceSpecification"]["Containers"][0]["Image"] = "evil:1"
    image = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1.0"
    reason = f"the package's image must be the catalog's, {image}, got evil:1"
    if by_callback:
        assert account.handle(request()) == []
        _assert_failed(account, reason)
    else:
        assert account.handle(approval(["ModelApprovalStatus"])) == []
        _assert_rejected(account, reason)
    assert account.cloudformation.calls == []
