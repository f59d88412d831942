"""The refusal of what exceeds a quota, in AWS's words."""

from embedded_aws.core.rpc import ServiceError
from embedded_aws.quotas import catalog


def check_instances(instance_type: str, usage: str, *, in_use: int, wanted: int) -> None:
    """Raise ServiceError unless `wanted` more instances fit into the quota of their kind of use."""
    quota = catalog.instances(instance_type, usage)
    if in_use + wanted > quota.applied():
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{quota.name}' is {quota.applied():g} Instances, "
            f"with current utilization of {in_use} Instances and a request delta of {wanted} "
            "Instances. Please use AWS Service Quotas to request an increase for this quota. If "
            "AWS Service Quotas is not available, contact AWS support to request an increase for "
            "this quota.",
        )
