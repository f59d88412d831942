"""Managed spot training: AWS takes instances back, and may keep a job waiting for others."""

import time
from typing import TYPE_CHECKING

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid

if TYPE_CHECKING:
    from embedded_aws.sagemaker.jobs.job import Job

_POLL_SECONDS = 0.05
_WAITING = "Insufficient capacity error from EC2 while launching instances, retrying!"


def is_on_spot(record: Json) -> bool:
    """Return whether a training asked for spot instances."""
    return bool(record.get("EnableManagedSpotTraining"))


def check(request: Json) -> None:
    """Raise ServiceError unless the wait is bounded with spot instances, and only with them."""
    condition = request.get("StoppingCondition", {})
    wait = condition.get("MaxWaitTimeInSeconds")
    if not is_on_spot(request):
        if wait is not None:
            raise invalid("MaxWaitTimeInSeconds is not allowed without EnableManagedSpotTraining")
    elif wait is None or wait < condition.get("MaxRuntimeInSeconds", 0):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to"
            " MaxRuntimeInSeconds"
        )


def is_taken_back(record: Json) -> bool:
    """Return whether AWS wants a running job's instance for somebody else."""
    return is_on_spot(record) and _type(record) in circumstances.current().no_spot_capacity


def wait(job: "Job") -> None:
    """Wait until AWS has an instance for the job, which other jobs than those on spot need not."""
    if not is_on_spot(job.record):
        return
    before = time.monotonic()
    while not _is_available(job.record) and not job.stopping.wait(_POLL_SECONDS):
        job.record["SecondaryStatusTransitions"][-1]["StatusMessage"] = _WAITING
        scale = circumstances.current().time_scale
        before, waited = time.monotonic(), time.monotonic() - before
        job.spend(waited=waited * scale)


def _is_available(record: Json) -> bool:
    found = circumstances.current()
    return _type(record) not in (*found.no_capacity, *found.no_spot_capacity)


def _type(record: Json) -> str:
    return str(record["ResourceConfig"]["InstanceType"])
