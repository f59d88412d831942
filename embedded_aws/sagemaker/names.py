"""The names of SageMaker's resources, and their ARNs, which hold the names in lower case."""

from embedded_aws.core.emulator import Json, ScopedStore, arn


def resource_arn(kind: str, name: str) -> str:
    """Return the ARN of a resource; `name` may already be one."""
    return name if name.startswith("arn:") else arn("sagemaker", f"{kind}/{name}".lower())


def find(store: ScopedStore, name: str, arn_member: str) -> Json | None:
    """Return the record with this name, or with this ARN in its member `arn_member`."""
    found: Json | None = store.get(name)
    by_arn = (record for record in store.values() if record[arn_member] == name)
    return found or next(by_arn, None)
