"""Which state an alarm is in, by its datapoints and what it says of missing ones."""

import operator
from collections.abc import Callable, Sequence

from embedded_aws.core.emulator import Json

# CloudWatch looks at more periods than it judges, so that a late datapoint is not a missing one.
MORE_PERIODS = 2
COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


def state(alarm: Json, datapoints: Sequence[float | None]) -> str | None:
    """Return the state by datapoints of successive periods, the last one last; None to keep it.

    As the tables of "How alarm state is evaluated when data is missing" in CloudWatch's guide.
    """
    needed, evaluated = to_alarm(alarm), alarm["EvaluationPeriods"]
    exceeds, _words = COMPARISONS[alarm["ComparisonOperator"]]
    known = [point for point in datapoints if point is not None][-evaluated:]
    breaching = sum(exceeds(point, alarm["Threshold"]) for point in known)
    treatment = alarm["TreatMissingData"]
    if treatment == "breaching":
        breaching += evaluated - len(known)
    if breaching >= needed:
        return "ALARM"
    if treatment in ("breaching", "notBreaching") or breaching < len(known):
        return "OK"
    if treatment == "ignore":
        return None
    # Nothing but breaches and gaps: an alarm when the first breach is as old as its datapoints.
    first = next((i for i, point in enumerate(datapoints) if point is not None), len(datapoints))
    return "ALARM" if known and len(datapoints) - first >= needed else "INSUFFICIENT_DATA"


def to_alarm(alarm: Json) -> int:
    """Return how many datapoints must be breaching."""
    given = "DatapointsToAlarm" if "DatapointsToAlarm" in alarm else "EvaluationPeriods"
    return int(alarm[given])


def reason(alarm: Json, datapoints: Sequence[float | None], new: str) -> str:
    """Return why the alarm is in its new state, much as CloudWatch words it."""
    evaluated = alarm["EvaluationPeriods"]
    known = [point for point in datapoints if point is not None][-evaluated:]
    if not known:
        missing = alarm["TreatMissingData"]
        treated = "" if missing == "missing" else f" and were treated as [{missing}]"
        return f"Insufficient data: no datapoints were received for {evaluated} periods{treated}."
    exceeds, words = COMPARISONS[alarm["ComparisonOperator"]]
    counted = sum(exceeds(point, alarm["Threshold"]) == (new == "ALARM") for point in known)
    verb = "were" if new == "ALARM" else "were not"
    return (
        f"Threshold Crossed: {counted} out of the last {evaluated} datapoints {known} {verb} "
        f"{words} the threshold ({alarm['Threshold']}) (minimum {to_alarm(alarm)} datapoints for "
        f"{alarm['StateValue']} -> {new} transition)."
    )
