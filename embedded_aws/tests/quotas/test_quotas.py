"""Service Quotas: a new account may use next to nothing, until an increase is approved."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.core.circumstances import write
from embedded_aws.tests.account import Account, allow

Json = dict[str, Any]
_LAMBDA = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}


def _quotas(account: Account, operation: str) -> dict[str, Json]:
    pages = account.aws.client("service-quotas").get_paginator(operation)
    found = pages.paginate(ServiceCode="sagemaker", PaginationConfig={"PageSize": 100})
    return {quota["QuotaName"]: quota for page in found for quota in page["Quotas"]}


def test_a_new_account_may_run_no_instance(account: Account) -> None:
    with account.circumstances(account="new"):
        found = _quotas(account, "list_service_quotas")
    assert found["ml.g5.2xlarge for endpoint usage"]["QuotaCode"] == "L-9614C779"
    for usage in ("endpoint", "training job", "spot training job", "processing job"):
        assert found[f"ml.g5.12xlarge for {usage} usage"]["Value"] == 0
    assert len({quota["QuotaCode"] for quota in found.values()}) == len(found)


def test_an_established_account_has_more_than_the_default(account: Account) -> None:
    name = "ml.g5.2xlarge for endpoint usage"
    assert _quotas(account, "list_service_quotas")[name]["Value"] > 0
    assert _quotas(account, "list_aws_default_service_quotas")[name]["Value"] == 0


def test_an_approved_increase_holds_at_once(account: Account) -> None:
    quotas = account.aws.client("service-quotas")
    asked = {"ServiceCode": "sagemaker", "QuotaCode": "L-C1B9A48D"}
    with account.circumstances(account="new"):
        change = quotas.request_service_quota_increase(**asked, DesiredValue=2)["RequestedQuota"]
        assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 2
        assert quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"] == 0
        with pytest.raises(ClientError, match="greater than the current quota value"):
            quotas.request_service_quota_increase(**asked, DesiredValue=2)
    (listed,) = quotas.list_requested_service_quota_change_history_by_quota(**asked)[
        "RequestedQuotas"
    ]
    assert (change["Status"], listed["DesiredValue"]) == ("APPROVED", 2)


def test_a_pending_increase_changes_nothing_and_stands_alone(account: Account) -> None:
    quotas = account.aws.client("service-quotas")
    with account.circumstances(account="new", quota_requests="pending"):
        before = quotas.get_service_quota(**_LAMBDA)["Quota"]["Value"]
        change = quotas.request_service_quota_increase(**_LAMBDA, DesiredValue=5000)
        assert quotas.get_service_quota(**_LAMBDA)["Quota"]["Value"] == before == 10
        with pytest.raises(ClientError) as caught:
            quotas.request_service_quota_increase(**_LAMBDA, DesiredValue=6000)
    assert caught.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    pending = quotas.list_requested_service_quota_change_history(Status="PENDING")
    assert [c["Id"] for c in pending["RequestedQuotas"]] == [change["RequestedQuota"]["Id"]]


def test_an_unknown_quota_is_a_missing_resource(account: Account) -> None:
    quotas = account.aws.client("service-quotas")
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")


def test_quotas_are_read_only_with_the_right(account: Account) -> None:
    reader = account.caller(allow("servicequotas:GetServiceQuota"), service="service-quotas")
    assert reader.get_service_quota(**_LAMBDA)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.request_service_quota_increase(**_LAMBDA, DesiredValue=9000)


def test_a_new_accounts_functions_have_ten_executions(account: Account) -> None:
    functions = account.aws.client("lambda")
    with account.circumstances(account="new"):
        limit = functions.get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == 10
    assert functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1000


def test_throttled_calls_fail_as_on_aws(account: Account) -> None:
    with (
        account.circumstances(throttled_share=1),
        pytest.raises(ClientError, match="ThrottlingException"),
    ):
        account.sagemaker.list_models()


def test_a_client_in_standard_mode_outlasts_throttling(account: Account) -> None:
    standard = Config(retries={"mode": "standard", "total_max_attempts": 3})
    client = account.aws.client("sagemaker", config=standard)
    with account.circumstances(throttled_share=1):
        # Between the attempts, when botocore would wait, AWS stops throttling.
        events = client.meta.events
        events.register_first("needs-retry.sagemaker.ListModels", _end_throttling(account))
        answer = client.list_models()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def _end_throttling(account: Account) -> Callable[..., None]:
    def end(**_given: Any) -> None:
        write(account.aws.home / "circumstances.json", {})

    return end
