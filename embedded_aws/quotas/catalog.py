"""The quotas that the embedded AWS knows, with their default and applied values."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import botocore.session

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import ScopedStore

# The kinds of use, and the enumeration of the service model that lists their instance types.
ENDPOINT, TRAINING, SPOT_TRAINING, PROCESSING = (
    "endpoint usage",
    "training job usage",
    "spot training job usage",
    "processing job usage",
)
_INSTANCE_TYPES = {
    ENDPOINT: "ProductionVariantInstanceType",
    TRAINING: "TrainingInstanceType",
    SPOT_TRAINING: "TrainingInstanceType",
    PROCESSING: "ProcessingInstanceType",
}
# Unverified: AWS's own codes, from public lists; the other codes here are made from the names. Look
# at `aws service-quotas list-service-quotas --service-code sagemaker` and find quotas by name.
_KNOWN_CODES = {
    "ml.g5.xlarge for endpoint usage": "L-1928E07B",
    "ml.g5.2xlarge for endpoint usage": "L-9614C779",
    "ml.g5.4xlarge for endpoint usage": "L-C1B9A48D",
    "ml.g5.12xlarge for endpoint usage": "L-65C4BD00",
    "ml.m5.xlarge for processing job usage": "L-0307F515",
}
# Unverified: the defaults of SageMaker's quotas, which AWS sets by region and account; new accounts
# report 0 for instances of every kind. Look at `aws service-quotas list-service-quotas`.
_NEW_INSTANCES = 0
# What an established account has been granted: more than the environments of a laptop need.
_ESTABLISHED_INSTANCES = 100
_DEFAULT_EXECUTIONS, _NEW_EXECUTIONS = 1000, 10

granted = ScopedStore()  # the applied values of approved requests, by code


class Quota(NamedTuple):
    """One quota of one service."""

    service: str
    code: str
    name: str
    default: float  # AWS's own, whatever was applied to this account
    applied_when_new: float
    applied_when_established: float

    def applied(self) -> float:
        """Return the value that holds in the account and region of the current request."""
        is_new = circumstances.current().account == "new"
        start = self.applied_when_new if is_new else self.applied_when_established
        return float(max(start, granted.get(self.code, 0)))


EXECUTIONS = Quota(
    *("lambda", "L-B99A9384", "Concurrent executions"),
    default=_DEFAULT_EXECUTIONS,
    applied_when_new=_NEW_EXECUTIONS,
    applied_when_established=_DEFAULT_EXECUTIONS,
)


@cache
def quotas(service: str) -> dict[str, Quota]:
    """Return the quotas of a service by their codes; none for a service that has none here."""
    found = (*_instances(), EXECUTIONS)
    return {quota.code: quota for quota in found if quota.service == service}


def instances(instance_type: str, usage: str) -> Quota:
    """Return the quota of an instance type for one kind of use."""
    return quotas("sagemaker")[_code(_name(instance_type, usage))]


def _instances() -> Iterator[Quota]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    for usage, enumeration in _INSTANCE_TYPES.items():
        for instance_type in model.shape_for(enumeration).enum:
            name = _name(instance_type, usage)
            code, new = _code(name), _NEW_INSTANCES
            yield Quota("sagemaker", code, name, new, new, _ESTABLISHED_INSTANCES)


def _name(instance_type: str, usage: str) -> str:
    return f"{instance_type} for {usage}"


def _code(name: str) -> str:
    made = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    return _KNOWN_CODES.get(name, made)
