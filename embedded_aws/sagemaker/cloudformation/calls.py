"""What the SageMaker types of CloudFormation share: calls as the stack's role, and their end."""

from collections.abc import Callable

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import permissions


def call(operation: str, request: Json) -> Json:
    """Call SageMaker as the stack's role; raises ServiceError when it may not."""
    return permissions.call(sagemaker.service, operation, request)


def arguments(verb: str, kind: str, props: Json) -> Json:
    """Return what an operation takes of a type's properties, which are those of both operations."""
    accepts = sagemaker.service.accepts
    if unknown := props.keys() - accepts(f"Create{kind}") - accepts(f"Update{kind}"):
        raise ValueError(f"AWS::SageMaker::{kind} has no property {', '.join(sorted(unknown))}")
    accepted = accepts(f"{verb}{kind}")
    return {name: value for name, value in props.items() if name in accepted}


def settled(kind: str, name: str, wait: Callable[[str], Json]) -> Json:
    """Return the record that `wait` ends with; raises ValueError when its newest change failed."""
    permissions.check(sagemaker.service, f"Describe{kind}", {f"{kind}Name": name})
    record, status = wait(name), f"{kind}Status"
    if record[status] != "InService" or "FailureReason" in record:
        raise ValueError(record.get("FailureReason", f"it is {record[status]}"))
    return record
