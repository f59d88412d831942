"""What a sized environment costs a month, by what is paid for, and for a million tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from . import prices
from .hosting import Hosting
from .hosting_cost import hosting_cost
from .schedule import minimum_at
from .sizing import Sizing

# Unverified: a request's lines in the proxy's log, the access log and Lambda's own report.
_LOG_BYTES = 1500
# Scaling in waits for a quarter of an hour below nine tenths of the target.
_SCALE_IN_MINUTES, _SCALE_IN_SHARE = 15, 0.9
_MONTH_SECONDS = prices.HOURS_A_MONTH * 3600


@dataclass(frozen=True, kw_only=True)
class MonthlyCost:
    """Dollars a month."""

    instances: float
    proxy: float
    gateway: float
    logs: float
    tokens: float  # generated a month

    @property
    def total(self) -> float:
        """All of it."""
        return self.instances + self.proxy + self.gateway + self.logs

    def per_million_tokens(self, dollars: float) -> float:
        """Return what a part of the cost is for a million generated tokens."""
        return dollars / self.tokens * 1e6

    @property
    def proxy_share(self) -> float:
        """The proxy's part of the whole."""
        return self.proxy / self.total


def monthly_cost(sizing: Sizing, instance_hours_a_day: float, hosting: Hosting) -> MonthlyCost:
    """Return the cost of a load whose fleet runs so many hours a day; raises RefusedValueError."""
    requests = sizing.load.workload.mean_requests_per_second * _MONTH_SECONDS
    hourly = prices.instance_hour(sizing.load.profile.instance_type)
    return MonthlyCost(
        instances=instance_hours_a_day * prices.HOURS_A_MONTH / 24 * hourly,
        proxy=hosting_cost(sizing, hosting),
        gateway=requests * prices.API_REQUEST,
        logs=requests * _LOG_BYTES / 1e9 * prices.LOG_GIGABYTE,
        tokens=requests * sizing.demand.output_tokens,
    )


def instance_hours_a_day(sizing: Sizing, target_load: float | None = None) -> float:
    """Return the hours that scaling to a load pays for on the declared day, by the formula."""
    load = sizing.target_load if target_load is None else target_load
    each = sizing.demand.requests_per_second(load)
    return sum(_counts(sizing, each)) / 60


def _counts(sizing: Sizing, each: float) -> Sequence[int]:
    rates = sizing.load.workload.rates()
    counts = []
    for minute in range(len(rates)):
        lately = max(rates[minute - back] for back in range(_SCALE_IN_MINUTES + 1))
        wanted = max(
            math.ceil(lately / each / _SCALE_IN_SHARE - 1), math.ceil(rates[minute] / each)
        )
        least = minimum_at(sizing.schedule, minute, sizing.min_instances)
        counts.append(min(max(wanted, least), sizing.max_instances))
    return counts
