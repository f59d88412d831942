"""Target tracking: instances, or copies, follow their concurrent requests, or an expression.

What a pair of CloudWatch alarms does on AWS is done here with the same datapoints: the requests in
flight of the busiest instance, every 10 seconds of AWS's, or what an expression of metrics comes to
in each minute.
"""

import math
import time
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple

from embedded_aws.autoscaling import activities, resources, schedules
from embedded_aws.cloudwatch import series
from embedded_aws.core import circumstances
from embedded_aws.core.circumstances import CircumstancesError
from embedded_aws.core.emulator import Json, scope
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.hosting.scalable import policies, targets

SAMPLE_SECONDS = 10
# Unverified: how many datapoints the two alarms judge; look at those of the alarms whose names
# begin with TargetTracking-endpoint/ after the first deployment.
_OUT_SAMPLES, _IN_SAMPLES = 3, 90
_MINUTE, _OUT_MINUTES, _IN_MINUTES = 60, 3, 15  # of an expression
_IN_SHARE = 0.9  # of the target: scaling in begins below it, or it would go in and out
_COOLDOWN_SECONDS = 300  # unless the policy names another
_scheduled_until = datetime.now(UTC)  # what was due before the start is not made up for
_followers: dict[tuple[str, str, str], "_Follower"] = {}


def follow_all() -> None:
    """Take one sample of every scalable target, and scale what has to be scaled."""
    global _scheduled_until
    before, _scheduled_until = _scheduled_until, circumstances.now()
    schedules.run_between(before, _scheduled_until)
    found = targets.all_items()
    for key in _followers.keys() - {key for key, _target in found}:
        del _followers[key]
    for key, target in found:
        account, region, target_key = key
        follower = _followers.setdefault(key, _Follower(target_key))
        with scope(account, region):
            follower.follow(target)


class _Lately(NamedTuple):
    """What a policy's two alarms judge: the last datapoints, None where there is not one each."""

    out: series.Series
    inwards: series.Series
    words: str


class _Follower:
    """The samples of one target, and when it was scaled, in AWS's seconds."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._samples: deque[float] = deque(maxlen=_IN_SAMPLES)
        self._seconds = 0
        self._free_from = {"out": 0, "in": 0}
        self._activity: tuple[Json, int] | None = None

    def follow(self, target: Json) -> None:
        scaled = resources.of(target)
        count, is_settled, failure = scaled.state()
        self._seconds += SAMPLE_SECONDS
        if count:
            self._samples.append(max(scaled.in_flight()))
        if not (is_settled and count):
            return  # nothing may change it now
        self._end_activity(count, failure)
        wanted, cause = self._wanted(target, count)
        if wanted != count:
            # Each way waits for itself only: what scaled in may scale out at once.
            way = ("out", "ScaleOutCooldown") if wanted > count else ("in", "ScaleInCooldown")
            self._cool_down(*way)
            self._scale(target, scaled, wanted, cause)

    def _wanted(self, target: Json, count: int) -> tuple[int, str]:
        least, most = target["MinCapacity"], target["MaxCapacity"]
        if count < least:
            return least, f"minimum capacity was set to {least}"
        if count > most:
            return most, f"maximum capacity was set to {most}"
        proposed = [self._by_policy(target, policy, count) for policy in self._policies()]
        # As on AWS, the policy that asks for most decides.
        wanted, cause = max(proposed, default=(count, ""))
        return min(max(wanted, least), most), cause

    def _policies(self) -> list[Json]:
        return [policy for key, policy in policies.items() if key.startswith(f"{self._key}|")]

    def _by_policy(self, target: Json, policy: Json, count: int) -> tuple[int, str]:
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        aim, suspended = tracking["TargetValue"], target.get("SuspendedState", {})
        lately = self._lately(tracking, resources.of(target).unit)
        name = f"policy {policy['PolicyName']}, with {aim:g} {lately.words} as its target"
        last = [value for value in lately.out if value is not None]
        if (
            len(last) == len(lately.out) > 0
            and min(last) > aim
            and self._is_free("out")
            and not suspended.get("DynamicScalingOutSuspended")
        ):
            return math.ceil(count * last[-1] / aim), f"{name}: it had {last[-1]:g}"
        known = [value for value in lately.inwards if value is not None]
        if (
            len(known) == len(lately.inwards) > 0
            and (highest := max(known)) < _IN_SHARE * aim
            and self._is_free("in")
            and not suspended.get("DynamicScalingInSuspended")
            and not tracking.get("DisableScaleIn")
        ):
            return math.ceil(count * highest / aim), f"{name}: it had at most {highest:g}"
        return count, ""

    def _lately(self, tracking: Json, unit: str) -> _Lately:
        if custom := tracking.get("CustomizedMetricSpecification"):
            found = series.of_queries(custom["Metrics"], _MINUTE, _IN_MINUTES, time.time())
            return _Lately(found[-_OUT_MINUTES:], found, "of its expression")
        samples: series.Series = [*self._samples]
        is_whole = len(samples) == _IN_SAMPLES
        out = samples[-_OUT_SAMPLES:] if len(samples) >= _OUT_SAMPLES else []
        return _Lately(out, samples if is_whole else [], f"requests on the busiest {unit}")

    def _is_free(self, way: str) -> bool:
        return self._seconds >= self._free_from[way]

    def _scale(self, target: Json, scaled: resources.Scaled, count: int, cause: str) -> None:
        activity = activities.begin(target, scaled.unit, count, cause)
        try:
            scaled.set(count)
        except (ServiceError, CircumstancesError) as error:
            activities.end(activity, str(error))
        else:
            self._activity = activity, count

    def _cool_down(self, way: str, member: str) -> None:
        seconds = [
            each["TargetTrackingScalingPolicyConfiguration"].get(member, _COOLDOWN_SECONDS)
            for each in self._policies()
        ]
        self._free_from[way] = self._seconds + max(seconds, default=0)

    def _end_activity(self, count: int, failure: str) -> None:
        if self._activity:
            activity, wanted = self._activity
            activities.end(activity, "" if count == wanted else failure or "it was changed")
            self._activity = None
