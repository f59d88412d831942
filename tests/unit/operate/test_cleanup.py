"""`make cleanup`: only what CloudFormation says its stacks left behind, and only when confirmed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operate.account.cleanup import cleanup
from operate.account.leftovers import STACKS
from tests.unit.operate.doubles import environment

_DATE = datetime(2026, 11, 27, tzinfo=UTC)
_STACK_ID = "arn:aws:cloudformation:eu-west-1:111111111111:stack/Prod-Training/0a1b2c3d-1"
_KEY = "11111111-2222-3333-4444-555555555555"


class _Account:
    """Stubbed clients, each made when it is first named."""

    def __init__(self) -> None:
        self._stubs: dict[str, Stubber] = {}
        self.clients: dict[str, Any] = {}

    def expect(self, service: str, operation: str, answer: Any, asked: Any = None) -> None:
        if service not in self.clients:
            key = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
            self.clients[service] = boto3.client(service, region_name="eu-west-1", **key)
            self._stubs[service] = Stubber(self.clients[service])
            self._stubs[service].activate()
        if isinstance(answer, str):
            self._stubs[service].add_client_error(operation, answer)
        else:
            self._stubs[service].add_response(operation, answer, asked)

    def all_was_asked(self) -> bool:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
        return True


def _stack(name: str) -> dict[str, Any]:
    return {"StackName": name, "CreationTime": _DATE, "StackStatus": "CREATE_COMPLETE"}


def _destroyed(*retained: tuple[str, str], stack: str = "Training") -> _Account:
    """An account with a destroyed stack of `prod`, and others' stacks, one of the same name."""
    name, stack_id = f"Prod-{stack}", _STACK_ID.replace("Training", stack)
    account = _Account()
    account.expect("cloudformation", "describe_stacks", {"Stacks": [_stack("Theirs")]})
    gone: dict[str, Any] = {"StackStatus": "DELETE_COMPLETE", "CreationTime": _DATE}
    deleted = [
        {**gone, "StackName": "Theirs-Training", "StackId": "theirs"},
        {**gone, "StackName": name, "StackId": "another"},
        {**gone, "StackName": name, "StackId": stack_id},
    ]
    account.expect("cloudformation", "list_stacks", {"StackSummaries": deleted})
    for asked, text in (("another", "Another's"), (stack_id, STACKS[stack])):
        described = {"Stacks": [{**_stack(name), "Description": text}]}
        account.expect("cloudformation", "describe_stacks", described, {"StackName": asked})
    resource = {"StackId": stack_id, "EventId": "e", "StackName": "s", "Timestamp": _DATE}
    resources = [
        {**resource, "ResourceType": "AWS::IAM::Role", "PhysicalResourceId": "r"}
        | {"ResourceStatus": "DELETE_COMPLETE"},
        *(
            {**resource, "ResourceType": kind, "PhysicalResourceId": name}
            | {"ResourceStatus": "DELETE_SKIPPED"}
            for kind, name in retained
        ),
    ]
    answer, ours = {"StackEvents": resources}, {"StackName": stack_id}
    account.expect("cloudformation", "describe_stack_events", answer, ours)
    return account


def _with_bucket_and_key() -> _Account:
    account = _destroyed(("AWS::KMS::Key", _KEY), ("AWS::S3::Bucket", "data"))
    account.expect("kms", "describe_key", {"KeyMetadata": {"KeyId": _KEY, "KeyState": "Enabled"}})
    account.expect("s3", "list_buckets", {"Buckets": [{"Name": "data"}, {"Name": "theirs"}]})
    return account


def _clean(
    account: _Account,
    *typed: str,
    groups: dict[str, int] | None = None,
    deleted: Sequence[str] = (),
) -> None:
    """Clean up with these answers, in an account in which services made these log groups."""
    for prefix in ("/aws/apigateway/", "/aws/sagemaker/"):
        found = [
            {"logGroupName": name, "storedBytes": size}
            for name, size in (groups or {}).items()
            if name.startswith(prefix)
        ]
        asked = {"logGroupNamePrefix": prefix}
        account.expect("logs", "describe_log_groups", {"logGroups": found}, asked)
    for name in deleted:
        account.expect("logs", "delete_log_group", {}, {"logGroupName": name})
    answers = iter(typed)
    cleanup(environment("prod", **account.clients), lambda _question: next(answers))


def test_confirmed_everything_that_was_retained_is_deleted_with_all_versions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = _with_bucket_and_key()
    versions = {"Versions": [{"Key": "a", "VersionId": "1"}]}
    markers = {"DeleteMarkers": [{"Key": "a", "VersionId": "2"}]}
    account.expect("s3", "list_object_versions", {**versions, **markers}, {"Bucket": "data"})
    objects = [{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}]
    asked = {"Bucket": "data", "Delete": {"Objects": objects, "Quiet": True}}
    account.expect("s3", "delete_objects", {}, asked)
    account.expect("s3", "delete_bucket", {}, {"Bucket": "data"})
    key = {"KeyId": _KEY, "PendingWindowInDays": 7}
    account.expect("kms", "schedule_key_deletion", {}, key)
    _clean(account, "prod")
    assert account.all_was_asked()
    shown = capsys.readouterr().out
    assert "data (of Prod-Training): about 0.023 USD a month for each GB" in shown
    assert shown.index("deleted: data") < shown.index(f"deleted: {_KEY}")


@pytest.mark.parametrize("typed", ["", "dev", "Prod", "prod "])
def test_nothing_is_deleted_unless_the_name_is_typed(typed: str) -> None:
    account = _with_bucket_and_key()  # An unexpected call fails.
    with pytest.raises(SystemExit, match="nothing was deleted"):
        cleanup(environment("prod", **account.clients), lambda _question: typed)
    assert account.all_was_asked()


def test_nothing_is_asked_while_a_stack_stands() -> None:
    account = _Account()
    stacks = {"Stacks": [_stack("Prod-Api"), _stack("Prod-Bootstrap")]}
    account.expect("cloudformation", "describe_stacks", stacks)
    with pytest.raises(
        SystemExit, match=r"^Prod-Api are still there: `make destroy ENV=prod` first"
    ):
        _clean(account, "prod")


def test_bucket_that_keeps_an_object_is_said_and_the_key_stays() -> None:
    account = _with_bucket_and_key()
    answer = {"Versions": [{"Key": "a", "VersionId": "1"}]}
    account.expect("s3", "list_object_versions", answer)
    error = {"Key": "a", "Code": "AccessDenied", "Message": "Access Denied"}
    account.expect("s3", "delete_objects", {"Errors": [error]})
    with pytest.raises(SystemExit, match="data/a cannot be deleted: Access Denied"):
        _clean(account, "prod")


def test_what_is_gone_already_is_no_leftover(capsys: pytest.CaptureFixture[str]) -> None:
    account = _destroyed(("AWS::KMS::Key", _KEY), ("AWS::S3::Bucket", "data"))
    pending = {"KeyId": _KEY, "KeyState": "PendingDeletion"}
    account.expect("kms", "describe_key", {"KeyMetadata": pending})
    account.expect("s3", "list_buckets", {"Buckets": []})
    _clean(account, "prod")
    assert "nothing of prod is left" in capsys.readouterr().out


def test_registry_is_deleted_with_its_packages() -> None:
    group, package = "prod-training-1-mistral", "arn:aws:sagemaker:eu-west-1:1:model-package/g/1"
    account = _destroyed(("AWS::SageMaker::ModelPackageGroup", group))
    names = {"ModelPackageGroupName": group}
    arn = f"arn:aws:sagemaker:eu-west-1:111111111111:model-package-group/{group}"
    summary = {**names, "ModelPackageGroupArn": arn, "ModelPackageGroupStatus": "Completed"}
    listed = {"ModelPackageGroupSummaryList": [{**summary, "CreationTime": _DATE}]}
    account.expect("sagemaker", "list_model_package_groups", listed)
    found = {"ModelPackageArn": package, "CreationTime": _DATE, "ModelPackageStatus": "Completed"}
    packages = {"ModelPackageSummaryList": [found]}
    account.expect("sagemaker", "list_model_packages", packages, names)
    account.expect("sagemaker", "delete_model_package", {}, {"ModelPackageName": package})
    account.expect("sagemaker", "delete_model_package_group", {}, names)
    _clean(account, "prod")
    assert account.all_was_asked()


def test_role_that_other_apis_log_with_is_named_and_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _clean(_destroyed(("AWS::IAM::Role", "Prod-Api-CloudWatchRole")), "prod")
    assert "kept, other projects may use it: Prod-Api-CloudWatchRole" in capsys.readouterr().out


def test_group_that_sagemaker_made_for_the_stacks_endpoint_is_a_leftover(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = _destroyed(stack="Serving")
    ours = "/aws/sagemaker/Endpoints/prodserving-llm-0a1b2c3d"
    theirs = "/aws/sagemaker/Endpoints/prodserving-llm-ffffffff"
    listed = {"logGroups": [{"logGroupName": name} for name in (theirs, ours)]}
    asked = {"logGroupNamePrefix": "/aws/sagemaker/Endpoints/"}
    account.expect("logs", "describe_log_groups", listed, asked)
    account.expect("logs", "delete_log_group", {}, {"logGroupName": ours})
    _clean(account, "prod")
    assert account.all_was_asked()
    assert f"{ours} (of Prod-Serving): about 0.03 USD a month" in capsys.readouterr().out


_JOBS = "/aws/sagemaker/TrainingJobs"


def test_groups_of_all_jobs_are_priced_and_deleted_when_the_account_is_typed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = _destroyed()
    groups = {_JOBS: 50_000_000_000, "/aws/sagemaker/NotebookInstances": 1, "/aws/apigateway/x": 1}
    _clean(account, "account", groups=groups, deleted=[_JOBS])
    assert account.all_was_asked()
    shown = capsys.readouterr().out
    assert f"{_JOBS}: 50.000 GB, about 1.50 USD a month" in shown
    assert "Notebook" not in shown


def test_groups_of_all_jobs_are_kept_unless_the_account_is_typed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = _destroyed()  # An unexpected call fails.
    _clean(account, "prod", groups={_JOBS: 1})
    assert account.all_was_asked()
    assert "kept: `make job-logs ENV=prod DAYS=30`" in capsys.readouterr().out
