"""What follows from a load: targets, minimums and maximums, limits, throttles and thresholds."""

import math
from functools import cached_property

from .demand import Demand
from .load import Load, Tracked
from .schedule import ScheduledMinimum, scheduled_minimums
from .staffing import MAX_INSTANCES, capacity, fleet, max_load

# What the load grows by while an instance starts, where no schedule foresees it.
_GROWTH = 1.03
# Of the mean number in flight of the whole fleet.
_NOISE_DEVIATIONS = 1.5
# Above a fleet's busiest instance at the target: five minutes there are no noise.
_ALARM_MARGIN = 3
# Of the promised time to first token: a new instance's first requests are slow too.
_BROKEN, _MAX_FIRST_SECONDS = 5, 479.0
_DAY_SECONDS = 86_400
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
        """The requests in flight of the busiest instance at the target load, and what is noise.

        Without room for noise a small fleet grows at three unlucky datapoints in a row, and costs
        a quarter more: what is foreseen has its scheduled minimum. Where work is tracked, it
        is a guard: it lies where a person is called.
        """
        if self.tracks_work:
            return round(self.concurrency_alarm + self.maximum_above_mean, 1)
        in_flight = self.in_flight(self.target_load)
        noise = _NOISE_DEVIATIONS * math.sqrt(in_flight / self.peak_instances)
        return round(in_flight + self.maximum_above_mean + noise, 1)

    @property
    def tracks_work(self) -> bool:
        """Whether scaling follows the work that the proxy counts."""
        return self.load.tracked is Tracked.WORK

    @property
    def target_work_milliseconds(self) -> float | None:
        """The work of an instance in each minute that scaling aims at; None tracks none."""
        return round(60_000 * self.target_load) if self.tracks_work else None

    @property
    def target_concurrent_requests(self) -> float:
        """The target of the scaling."""
        return self._chosen("target_concurrent_requests", self.derived_target)

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
        """The most instances."""
        return max(int(self._chosen("max_instances", self.derived_max)), self.min_instances)

    @cached_property
    def schedule(self) -> tuple[ScheduledMinimum, ...]:
        """The minimums of the day; none where one holds all day."""
        return scheduled_minimums(
            self.load.workload.rates(), self.fleet, self.min_instances, self.max_instances
        )

    @property
    def max_concurrent_requests(self) -> int:
        """What an instance admits at once."""
        return int(self._chosen("max_concurrent_requests", self.derived_limit))

    @cached_property
    def derived_limit(self) -> int:
        """What an instance admits: with more in flight, even the mean request misses the objective.

        By as much as unequal prompts vary, and what its memory was seen to hold.
        """
        objective, demand = self.load.objective, self.demand
        room = objective.milliseconds_per_token - demand.service.step
        if objective.time_to_first_token_seconds is not None:  # its own prefill comes before
            room += demand.mean_prefill / demand.output_tokens
        limit = room / demand.slope
        spread = math.sqrt((1 + limit) * demand.prefill_variance)
        limit -= spread / (demand.slope * demand.output_tokens)
        return max(round(min(limit, self.memory_limit)), math.ceil(self.derived_target) + 1)

    @property
    def retry_after_seconds(self) -> int:
        """What a refused request waits best: by then all that fill the places now have ended.

        Sooner it meets the same requests; an instance that scaling adds comes later than any.
        """
        milliseconds = self.demand.service.step + self.demand.slope * self.max_concurrent_requests
        answer = self.demand.output_tokens * milliseconds / 1000
        return min(math.ceil(answer), _MAX_RETRY_AFTER_SECONDS)

    @property
    def memory_limit(self) -> float:
        """The requests whose tokens were seen to be in an instance's memory at once."""
        shapes = self.load.workload.shapes
        each = sum(s.share * (s.prompt_words + s.output_tokens) for s in shapes)
        return self.load.profile.max_tokens_in_flight / each

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

    @property
    def concurrency_alarm(self) -> float:
        """The mean requests in flight on an instance that call for a person."""
        return round(self.in_flight(self.max_load) + _ALARM_MARGIN, 1)

    @property
    def in_flight_at_maximum(self) -> float:
        """The mean requests in flight on an instance of the largest fleet, just as promised."""
        load = max_load(self.demand, self.load.objective, self.max_instances)
        return self.demand.in_flight(load, self.max_instances)

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
        """What CloudWatch's maximum over balanced instances is above their mean."""
        return 0.4 + 0.4 * math.log10(self.peak_instances)

    def _chosen(self, name: str, derived: float) -> float:
        fixed = self.load.fixed.get(name)
        return derived if fixed is None else fixed.value
