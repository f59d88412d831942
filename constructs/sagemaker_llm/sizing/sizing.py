"""What follows from a load: targets, minimums and maximums, limits, throttles and thresholds."""

import math
from dataclasses import replace
from functools import cached_property

from allowed_values.rules import RefusedValueError

from .formula.demand import Demand
from .formula.staffing import MAX_INSTANCES, capacity, fleet, max_load
from .load import Load, Tracked
from .schedule import ScheduledMinimum, scheduled_minimums

# What the load grows by while an instance starts, where no schedule foresees it.
_GROWTH = 1.03
_GUARD = 2.0
# Above what keeps the promise: five minutes there are no noise. And the most of the way to what is
# admitted: from a half on, many are refused before it rings.
_ALARM_MARGIN, _ALARM_SHARE = 3, 1 / 3
ALARM_MINUTES = 5
# An instance starts in 5 to 8 minutes: until then the fleet may still be growing.
ALARM_MINUTES_AT_MAXIMUM = 15
_FULL = 0.9  # of what an instance admits
# Of the promised time to first token: a new instance's first requests are slow too.
_BROKEN, _MAX_FIRST_SECONDS = 5, 479.0
_DAY_SECONDS = 86_400
_LIMIT = "max_concurrent_requests"
# OpenAI's clients heed no longer one, and retry after half a second instead.
_MAX_RETRY_AFTER_SECONDS = 60


class Sizing:
    """The settings of an environment that declares a load."""

    def __init__(self, load: Load) -> None:
        self.load = load

    @cached_property
    def demand(self) -> Demand:
        """The requests as the measured service sees them."""
        return self.load.demand

    @cached_property
    def peak_instances(self) -> int:
        """The instances that the declared peak needs."""
        return self.fleet(self.load.workload.peak_requests_per_second)

    @cached_property
    def max_load(self) -> float:
        """The share of what an instance can ever do at which the fleet just keeps the objective."""
        return max_load(self.demand, self.load.objective, self.peak_instances)

    @property
    def headroom(self) -> float:
        """What the target leaves for growth while an instance starts, and for bursts."""
        return max(_GROWTH, self.load.workload.burst)

    @property
    def target_load(self) -> float:
        """The load that scaling aims at."""
        return self.max_load / self.headroom

    @cached_property
    def derived_target(self) -> float:
        """The target of the scaling, which the busiest instance can exceed.

        Where work is tracked, it is a guard: twice as far as noise reaches above what is promised.
        """
        target, limit = self._staffed_target, self.max_concurrent_requests
        if self.tracks_work:
            load, fleet = self.max_load, self.peak_instances
            target = self.in_flight(load) + self.maximum_above_mean
            target += _GUARD * self.demand.noise(load, fleet)
        return round(min(target, max(limit - 1, limit / 2)), 1)

    @cached_property
    def _staffed_target(self) -> float:
        """The requests in flight of the busiest instance at the target load, and what is noise.

        Without room for noise a small fleet grows at three unlucky datapoints in a row, and costs
        a quarter more: what is foreseen has its scheduled minimum.
        """
        load, fleet = self.target_load, self.peak_instances
        return self.in_flight(load) + self.maximum_above_mean + self.demand.noise(load, fleet)

    @property
    def tracks_work(self) -> bool:
        """Whether scaling follows the work that the proxy counts."""
        return self.load.tracked is Tracked.WORK

    @property
    def target_work_milliseconds(self) -> float | None:
        """The work of an instance in each minute that scaling aims at; None tracks none."""
        if not self.tracks_work:
            return None
        noise = self.demand.work_noise(self.target_load, self.peak_instances)
        return round(60_000 * min(self.target_load + noise, 1.0))

    @property
    def target_concurrent_requests(self) -> float:
        """The target of the scaling; raises RefusedValueError for one that nothing can exceed."""
        target = self._chosen("target_concurrent_requests", self.derived_target)
        if target >= self.max_concurrent_requests:
            raise RefusedValueError(
                "target_concurrent_requests in fixed must be below"
                f" {self.max_concurrent_requests}, which an instance admits, got {target:g}"
            )
        return target

    @cached_property
    def derived_min(self) -> int:
        """The instances that the least rate of the day needs."""
        return self.fleet(self.load.workload.trough_requests_per_second)

    @property
    def min_instances(self) -> int:
        """The fewest instances at any time."""
        return int(self._chosen("min_instances", self.derived_min))

    @cached_property
    def derived_max(self) -> int:
        """The instances that the peak needs if it turns out greater, bursts included."""
        workload = self.load.workload
        surge = max(workload.surge, workload.burst)
        return min(self.fleet(workload.peak_requests_per_second * surge), MAX_INSTANCES)

    @property
    def max_instances(self) -> int:
        """The most instances; raises RefusedValueError for fewer than there always are."""
        fixed = self.load.fixed.get("max_instances")
        if fixed and fixed.value < self.min_instances:
            raise RefusedValueError(
                f"max_instances in fixed must be at least min_instances {self.min_instances},"
                f" got {fixed.value:g}"
            )
        return int(fixed.value) if fixed else max(self.derived_max, self.min_instances)

    @cached_property
    def schedule(self) -> tuple[ScheduledMinimum, ...]:
        """The minimums of the day; none where one holds all day."""
        return scheduled_minimums(
            self.load.workload.rates(), self.fleet, self.min_instances, self.max_instances
        )

    @property
    def max_concurrent_requests(self) -> int:
        """What an instance admits at once."""
        return int(self._chosen(_LIMIT, self.derived_limit))

    @cached_property
    def derived_limit(self) -> int:
        """What an instance admits: with more in flight, even the mean request misses the objective.

        By as much as unequal prompts vary, and what its memory was seen to hold.
        """
        if _LIMIT in self.load.fixed:
            others = {name: each for name, each in self.load.fixed.items() if name != _LIMIT}
            return Sizing(replace(self.load, fixed=others)).derived_limit
        objective, demand = self.load.objective, self.demand
        room = objective.milliseconds_per_token - demand.service.step
        if objective.time_to_first_token_seconds is not None:  # its own prefill comes before
            room += demand.mean_prefill / demand.output_tokens
        limit = room / demand.slope
        spread = math.sqrt((1 + limit) * demand.prefill_variance)
        limit -= spread / (demand.slope * demand.output_tokens)
        limit = max(round(limit), math.ceil(self._staffed_target) + 1)
        return max(math.floor(min(limit, demand.memory_limit)), 1)

    @property
    def retry_after_seconds(self) -> int:
        """What a refused request waits best: by then all that fill the places now have ended.

        Sooner it meets the same requests; an instance that scaling adds comes later than any.
        """
        milliseconds = self.demand.service.step + self.demand.slope * self.max_concurrent_requests
        answer = self.demand.output_tokens * milliseconds / 1000
        return min(math.ceil(answer), _MAX_RETRY_AFTER_SECONDS)

    @property
    def requests_per_second(self) -> float:
        """What the largest fleet serves within the objective: the clients' rates add up to it."""
        return capacity(self.demand, self.load.objective, self.max_instances)

    @property
    def burst_requests(self) -> int:
        """What may come at once: what the smallest fleet admits."""
        admitted = self.min_instances * self.max_concurrent_requests
        return max(admitted, math.ceil(self.requests_per_second))

    @property
    def daily_requests(self) -> int:
        """What a day may bring: the declared mean, if it turns out as much greater as the peak."""
        workload = self.load.workload
        return math.ceil(_DAY_SECONDS * workload.mean_requests_per_second * workload.surge)

    @cached_property
    def concurrency_alarm(self) -> float:
        """The mean requests in flight on an instance that call for a person.

        It is nearer to what keeps the promise than to what is admitted, so that it rings before
        many are refused.
        """
        promised, limit = self.in_flight(self.max_load), self.max_concurrent_requests
        return round(promised + min(_ALARM_MARGIN, _ALARM_SHARE * (limit - promised)), 1)

    @property
    def in_flight_at_maximum(self) -> float:
        """The mean requests in flight on an instance of the largest fleet, just as promised."""
        load = max_load(self.demand, self.load.objective, self.max_instances)
        in_flight = self.demand.in_flight(load, self.max_instances)
        return max(round(min(in_flight, _FULL * self.max_concurrent_requests), 1), 0.1)

    @property
    def max_time_to_first_token_seconds(self) -> float | None:
        """The p90 that undoes an update: far above what hardly any request may exceed."""
        first = self.load.objective.time_to_first_token_seconds
        return None if first is None else min(_BROKEN * first, _MAX_FIRST_SECONDS)

    @property
    def max_refused_share(self) -> float:
        """The share of refused requests that calls for a person: all that may miss."""
        return round(1 - self.load.objective.share, 4)

    def fleet(self, requests_per_second: float) -> int:
        """Return the fewest instances that serve a rate within the objective."""
        return fleet(self.demand, self.load.objective, requests_per_second)

    def in_flight(self, load: float) -> float:
        """Return the mean requests in flight on an instance of the peak's fleet."""
        return self.demand.in_flight(load, self.peak_instances)

    @property
    def maximum_above_mean(self) -> float:
        """What CloudWatch's maximum over balanced instances is above their mean.

        In the event simulation, with 1 to 1,000 instances; it is more where answers of one length
        end together, which needs no room.
        """
        return min(0.4 + 0.4 * math.log10(self.peak_instances), 0.7)

    def _chosen(self, name: str, derived: float) -> float:
        fixed = self.load.fixed.get(name)
        return derived if fixed is None else fixed.value
