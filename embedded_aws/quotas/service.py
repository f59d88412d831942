"""Service Quotas' API: values are read, and higher ones asked for."""

import uuid
from collections.abc import Callable, Iterator

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, ScopedStore, arn
from embedded_aws.core.rpc import JsonService, Permission, ServiceError, now
from embedded_aws.quotas.catalog import Quota, granted, quotas

_changes = ScopedStore()  # requests for higher values, by id
STORES = {"granted": granted, "changes": _changes}
_NAMES = {"sagemaker": "Amazon SageMaker", "lambda": "AWS Lambda"}
_OPEN = ("PENDING", "CASE_OPENED")
_DEFAULT_PAGE = 100


def get_quota(request: Json) -> Json:
    """GetServiceQuota."""
    quota = _find(request)
    return {"Quota": _shown(quota, quota.applied())}


def get_default(request: Json) -> Json:
    """GetAWSDefaultServiceQuota."""
    quota = _find(request)
    return {"Quota": _shown(quota, quota.default)}


def list_quotas(request: Json) -> Json:
    """ListServiceQuotas."""
    return _list_values(request, Quota.applied)


def list_defaults(request: Json) -> Json:
    """ListAWSDefaultServiceQuotas."""
    return _list_values(request, lambda quota: quota.default)


def list_services(request: Json) -> Json:
    """ListServices."""
    found = [{"ServiceCode": code, "ServiceName": name} for code, name in _NAMES.items()]
    return _page("Services", found, request)


def request_increase(request: Json) -> Json:
    """RequestServiceQuotaIncrease; the circumstances say what becomes of it."""
    quota, wanted = _find(request), float(request["DesiredValue"])
    if wanted <= quota.applied():
        raise ServiceError(
            "IllegalArgumentException",
            "You must provide a quota value greater than the current quota value: "
            f"{quota.name} is {quota.applied():g}, got {wanted:g}",
        )
    if any(c["QuotaCode"] == quota.code and c["Status"] in _OPEN for c in _changes.values()):
        raise ServiceError(
            "ResourceAlreadyExistsException",
            "Only one open service quota increase request is allowed per quota.",
        )
    is_approved = circumstances.current().quota_requests == "approved"
    change = {
        **_named(quota),
        "Id": uuid.uuid4().hex,
        "DesiredValue": wanted,
        "Status": "APPROVED" if is_approved else "PENDING",
        "Created": now(),
        "LastUpdated": now(),
        "GlobalQuota": False,
        "Unit": "None",
    }
    _changes[change["Id"]] = change
    if is_approved:
        granted[quota.code] = wanted
    return {"RequestedQuota": change}


def get_change(request: Json) -> Json:
    """GetRequestedServiceQuotaChange."""
    if request["RequestId"] not in _changes:
        raise _absent()
    return {"RequestedQuota": _changes[request["RequestId"]]}


def list_changes(request: Json) -> Json:
    """ListRequestedServiceQuotaChangeHistory, of all quotas or of one."""
    asked = {k: request[k] for k in ("ServiceCode", "QuotaCode", "Status") if k in request}
    found = [c for c in _changes.values() if all(c[k] == v for k, v in asked.items())]
    return _page("RequestedQuotas", found, request)


def _list_values(request: Json, value: Callable[[Quota], float]) -> Json:
    of_service = quotas(request["ServiceCode"])
    if not of_service:
        raise _absent()
    code = request.get("QuotaCode")
    chosen = [quota for quota in of_service.values() if code in (None, quota.code)]
    return _page("Quotas", [_shown(quota, value(quota)) for quota in chosen], request)


def _find(request: Json) -> Quota:
    quota = quotas(request["ServiceCode"]).get(request["QuotaCode"])
    if quota is None:
        raise _absent()
    return quota


def _absent() -> ServiceError:
    return ServiceError(
        "NoSuchResourceException",
        "The request failed because the specified service does not exist.",
    )


def _named(quota: Quota) -> Json:
    return {
        "ServiceCode": quota.service,
        "ServiceName": _NAMES[quota.service],
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "QuotaArn": arn("servicequotas", f"{quota.service}/{quota.code}"),
    }


def _shown(quota: Quota, value: float) -> Json:
    settings = {"Unit": "None", "Adjustable": True, "GlobalQuota": False}
    return {**_named(quota), "Value": value, **settings, "QuotaAppliedAtLevel": "ACCOUNT"}


def _page(result: str, found: list[Json], request: Json) -> Json:
    begin = int(request.get("NextToken", 0))
    end = begin + request.get("MaxResults", _DEFAULT_PAGE)
    return {result: found[begin:end], **({"NextToken": str(end)} if end < len(found) else {})}


def _permissions(operation: str, request: Json) -> Iterator[Permission]:
    asked = "*"
    if operation == "RequestServiceQuotaIncrease":
        asked = arn("servicequotas", f"{request['ServiceCode']}/{request['QuotaCode']}")
    yield Permission(f"servicequotas:{operation}", asked)


service = JsonService(
    "service-quotas",
    {
        "GetServiceQuota": get_quota,
        "GetAWSDefaultServiceQuota": get_default,
        "ListServiceQuotas": list_quotas,
        "ListAWSDefaultServiceQuotas": list_defaults,
        "ListServices": list_services,
        "RequestServiceQuotaIncrease": request_increase,
        "GetRequestedServiceQuotaChange": get_change,
        "ListRequestedServiceQuotaChangeHistory": list_changes,
        "ListRequestedServiceQuotaChangeHistoryByQuota": list_changes,
    },
    _permissions,
)
