"""The work that requests are to an instance: what the mix of their shapes asks of the service."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .bisection import last_true
from .service import Service
from .workload import RequestShape

# Of the whole fleet's mean.
_NOISE_DEVIATIONS = 2.0
_MINUTE = 60_000.0


@dataclass(frozen=True)
class Demand:
    """Requests of some shapes at a service; times are milliseconds."""

    service: Service
    shapes: tuple[RequestShape, ...]
    max_in_flight: float = math.inf  # that a person lets an instance admit

    @cached_property
    def prefills(self) -> Sequence[float]:
        """The prefill of each shape."""
        return [self.service.prefill(shape.prompt_words) for shape in self.shapes]

    @cached_property
    def output_tokens(self) -> float:
        """The mean tokens of an answer."""
        return self._mean([shape.output_tokens for shape in self.shapes])

    @cached_property
    def mean_prefill(self) -> float:
        """The mean prefill."""
        return self._mean(self.prefills)

    @cached_property
    def prefill_variance(self) -> float:
        """The variance of the prefills."""
        return self._mean([(each - self.mean_prefill) ** 2 for each in self.prefills])

    @cached_property
    def work(self) -> tuple[float, float, float]:
        """The first three moments of a request's work: its prefill, and its part of the steps."""
        each = self.service.per_request
        work = [p + each * s.output_tokens for p, s in zip(self.prefills, self.shapes, strict=True)]
        first, second, third = (self._mean([value**power for value in work]) for power in (1, 2, 3))
        return first, second, third

    @cached_property
    def slope(self) -> float:
        """k: the milliseconds a token that each further request in flight costs all others."""
        return self.work[0] / self.output_tokens

    @cached_property
    def memory_limit(self) -> float:
        """The requests whose tokens an instance's memory was seen to hold at once."""
        each = self._mean([shape.prompt_words + shape.output_tokens for shape in self.shapes])
        return self.service.max_tokens_in_flight / each

    @property
    def limit(self) -> float:
        """The requests that an instance holds at once."""
        return min(self.memory_limit, self.max_in_flight)

    def requests_per_second(self, load: float) -> float:
        """Return an instance's requests a second at a load: a share of what it can ever do."""
        return 1000 * load / self.work[0]

    def in_flight(self, load: float, instances: int) -> float:
        """Return the mean requests in flight on each of the instances at a load."""
        return (1 / instances + self.service.step / self.slope) * load / (1 - load)

    def noise(self, load: float, instances: int) -> float:
        """Return what the mean in flight on an instance is above `in_flight` now and then."""
        return _NOISE_DEVIATIONS * math.sqrt(self.in_flight(load, instances) / instances)

    def work_noise(self, load: float, instances: int) -> float:
        """Return by which share of the time an instance's work of a minute is above its load."""
        first, second, _ = self.work
        return _NOISE_DEVIATIONS * math.sqrt(load * second / first / (_MINUTE * instances))

    def wait_tail(self, load: float, milliseconds: float) -> float:
        """Return the share of requests whose prefill waits longer for the ones before it.

        Cramer and Lundberg's approximation of the M/G/1 queue: exact far out.
        """
        arrivals = load / self.work[0]
        busy = arrivals * self.mean_prefill
        if milliseconds < 0 or busy >= 1:
            return 1.0

        def excess(rate: float) -> float:
            return arrivals * (self._exponential(rate, 0) - 1) - rate

        high = 1 / max(self.prefills)
        while excess(high) < 0:
            high *= 2
        rate = last_true(0.0, high, lambda rate: excess(rate) < 0)
        constant = (1 - busy) / (arrivals * self._exponential(rate, 1) - 1)
        return min(busy, constant * math.exp(-rate * milliseconds))

    def _exponential(self, rate: float, power: int) -> float:
        return self._mean([p**power * math.exp(min(rate * p, 500.0)) for p in self.prefills])

    def _mean(self, values: Sequence[float]) -> float:
        return sum(s.share * v for s, v in zip(self.shapes, values, strict=True))
