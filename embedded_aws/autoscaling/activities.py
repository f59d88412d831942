"""Scaling activities: what Application Auto Scaling has changed, or failed to."""

import uuid

from embedded_aws.core.emulator import Json, ScopedStore
from embedded_aws.core.rpc import now

activities = ScopedStore()
_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def begin(target: Json, unit: str, count: int, cause: str) -> Json:
    """Record that the target's count, of instances or of copies, is about to change."""
    activity = {
        "ActivityId": str(uuid.uuid4()),
        **{name: target[name] for name in _TARGET},
        "Description": f"Setting desired {unit} count to {count}.",
        "Cause": cause,
        "StartTime": now(),
        "StatusCode": "InProgress",
        "StatusMessage": (
            f"Successfully set desired {unit} count to {count}. "
            "Waiting for change to be fulfilled by sagemaker."
        ),
    }
    activities[activity["ActivityId"]] = activity
    return activity


def end(activity: Json, failure: str) -> None:
    """Record how the change ended; an empty reason is a success."""
    count = activity["Description"].removeprefix("Setting ")
    success = f"Successfully set {count} Change successfully fulfilled by sagemaker."
    failed = f"Failed to set {count} Reason: {failure}"
    activity.update(
        EndTime=now(),
        StatusCode="Failed" if failure else "Successful",
        StatusMessage=failed if failure else success,
    )


def newest_first(request: Json) -> list[Json]:
    """Return the activities that a request asks for."""
    wanted = {name: request[name] for name in _TARGET if name in request}
    found = [each for each in activities.values() if wanted.items() <= each.items()]
    return found[::-1]
