"""Tags of SageMaker's resources, found by the ARN of whatever has them."""

from collections.abc import Iterable

from embedded_aws.core.emulator import Json, ScopedStore
from embedded_aws.core.rpc import Operation, invalid
from embedded_aws.sagemaker.hosting import records
from embedded_aws.sagemaker.jobs import operations as jobs
from embedded_aws.sagemaker.pipelines import operations as pipelines
from embedded_aws.sagemaker.registry import packages

_STORES: dict[str, tuple[ScopedStore, ...]] = {
    "Arn": (*records.STORES.values(),),
    "ModelPackageGroupArn": (packages.groups,),
    "ModelPackageArn": (packages.packages,),
    "PipelineArn": (pipelines.pipelines,),
    "TrainingJobArn": (jobs.STORES["training_jobs"],),
    "ProcessingJobArn": (jobs.STORES["processing_jobs"],),
}


def _record(arn: str) -> Json:
    for member, stores in _STORES.items():
        for record in (each for store in stores for each in store.values()):
            if record.get(member) == arn:
                found: Json = record
                return found
    raise invalid(f"The resource {arn} does not exist, or has no tags in the embedded SageMaker.")


def add_tags(request: Json) -> Json:
    """AddTags."""
    record = _record(request["ResourceArn"])
    record["Tags"] = merged(record.get("Tags", []), request["Tags"])
    return {"Tags": record["Tags"]}


def list_tags(request: Json) -> Json:
    """ListTags: all on one page."""
    return {"Tags": _record(request["ResourceArn"]).get("Tags", [])}


def delete_tags(request: Json) -> Json:
    """DeleteTags."""
    record = _record(request["ResourceArn"])
    gone = request["TagKeys"]
    record["Tags"] = [tag for tag in record.get("Tags", []) if tag["Key"] not in gone]
    return {}


def merged(old: Iterable[Json], new: Iterable[Json]) -> list[Json]:
    """Return the old tags with the new ones' values in place of theirs."""
    values = {tag["Key"]: tag["Value"] for tags in (old, new) for tag in tags}
    return [{"Key": key, "Value": value} for key, value in values.items()]


OPERATIONS: dict[str, Operation] = {
    "AddTags": add_tags,
    "ListTags": list_tags,
    "DeleteTags": delete_tags,
}
