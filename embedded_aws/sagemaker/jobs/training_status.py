"""The states that a training job goes through, and the seconds that it is billed for."""

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import now
from embedded_aws.sagemaker.jobs import spot

_ON_AN_INSTANCE = ("Downloading", "Training", "Uploading", "Stopping")
_SPOT_PRICE = 0.3  # of the price on demand, by which SageMaker shortens the billable seconds


def note_status(record: Json, status: str) -> None:
    """Put the job into its next secondary status; a job that stops goes on to its end only."""
    before, at = record.get("SecondaryStatus"), now()
    if status == before or (before == "Stopping" and "TrainingEndTime" not in record):
        return
    transitions = record.setdefault("SecondaryStatusTransitions", [])
    if transitions:
        transitions[-1]["EndTime"] = at
    transitions.append({"Status": status, "StartTime": at})
    record.update(SecondaryStatus=status, LastModifiedTime=at)
    if "TrainingEndTime" in record and "TrainingStartTime" in record:
        _count_seconds(record, transitions)


def _count_seconds(record: Json, transitions: list[Json]) -> None:
    # Unverified: that time without an instance is no training time; compare both figures of a
    # training on spot instances that was interrupted.
    seconds = sum(
        each["EndTime"] - each["StartTime"]
        for each in transitions
        if each["Status"] in _ON_AN_INSTANCE
    )
    share = _SPOT_PRICE if spot.is_on_spot(record) else 1
    record.update(
        TrainingTimeInSeconds=round(seconds), BillableTimeInSeconds=round(seconds * share)
    )
