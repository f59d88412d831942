"""Quotas: what the environments of the account take together, and what the account has."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from operate.environment import Client
from operate.preflight.plan import Plan, QuotaNeed
from operate.preflight.row import Row, Verdict, judged

_OPEN = ("PENDING", "CASE_OPENED")
# Lambda's, for the command: GetAccountSettings tells the value, and tells no code.
_CONCURRENT_EXECUTIONS = "L-B99A9384"
_MUST_STAY_UNRESERVED = 100


class Quotas:
    """A service's quotas by name, so that no code need be known."""

    def __init__(self, service_quotas: Client, service: str) -> None:
        self._client, self._service = service_quotas, service

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a quota as it applies to the account; its default if AWS lists only that."""
        return self._applied.get(name) or self._defaults.get(name)

    def requested(self, quota: dict[str, Any]) -> float | None:
        """Return the value that an open request asks for."""
        pages = self._client.get_paginator(
            "list_requested_service_quota_change_history_by_quota"
        ).paginate(ServiceCode=self._service, QuotaCode=quota["QuotaCode"])
        asked = [
            request["DesiredValue"]
            for page in pages
            for request in page["RequestedQuotas"]
            if request["Status"] in _OPEN
        ]
        return max(asked, default=None)

    @cached_property
    def _applied(self) -> dict[str, dict[str, Any]]:
        return self._listed("list_service_quotas")

    @cached_property
    def _defaults(self) -> dict[str, dict[str, Any]]:
        return self._listed("list_aws_default_service_quotas")

    def _listed(self, operation: str) -> dict[str, dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(ServiceCode=self._service)
        return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def quota_rows(service_quotas: Client, plan: Plan) -> Iterator[Row]:
    """Yield a row for each quota."""
    services = {need.service for need in plan.quotas}
    quotas = {service: Quotas(service_quotas, service) for service in services}
    return (quota_row(quotas[need.service], need, plan.region) for need in plan.quotas)


def quota_row(quotas: Quotas, need: QuotaNeed, region: str) -> Row:
    """Compare one quota with what the environments of the account need together."""
    subject, found = f"quota {need.name}", f"need {_sum(need.by.items(), need.total)}"
    quota = quotas.find(need.name)
    if quota is None:
        todo = "look for it in the console of Service Quotas: is the type offered in this region?"
        return Row(subject, Verdict.FAIL, f"{found}, no quota of this name in {region}", todo)
    found += f", have {quota['Value']:g}"
    if quota["Value"] >= need.total:
        return Row(subject, Verdict.OK, found)
    asked = quotas.requested(quota)
    if asked is not None and asked >= need.total:
        return Row(
            subject, Verdict.FAIL, f"{found}, requested {asked:g}", "wait until AWS approves it"
        )
    todo = _increase(need.service, quota["QuotaCode"], need.total, region)
    return Row(subject, Verdict.FAIL, found, todo)


def concurrency(lambda_: Client, plan: Plan) -> Row:
    """Tell whether the functions can reserve what they want, as AWS counts it."""
    have = lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    reserved = sum(plan.reserved_executions.values())
    if not reserved:
        found = f"have {have}, none is reserved: at most as many streams at once"
        return Row("Lambda concurrency", Verdict.OK, found)
    need = reserved + _MUST_STAY_UNRESERVED
    by = [*plan.reserved_executions.items(), ("unreserved", _MUST_STAY_UNRESERVED)]
    return judged(
        "Lambda concurrency",
        f"need {_sum(by, need)}, have {have}",
        holds=have >= need,
        todo=f"{_increase('lambda', _CONCURRENT_EXECUTIONS, need, plan.region)}, or"
        " reserved_concurrency=Reservation.NONE in stacks/environments.py",
    )


def _sum(parts: Iterable[tuple[str, int]], total: int) -> str:
    named = [f"{name} {count}" for name, count in parts if count]
    return f"{total} ({' + '.join(named)})"


def _increase(service: str, code: str, value: int, region: str) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service}"
        f" --quota-code {code} --desired-value {value} --region {region}"
    )
