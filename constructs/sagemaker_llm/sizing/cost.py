"""What a sized environment costs a month, by what is paid for, and for a million tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from allowed_values.rules import RefusedValueError

from . import prices
from .hosting import CALLED_SERVICES, ZONES, Hosting, ManagedInstances, OnDemand
from .schedule import minimum_at
from .sizing import Sizing

# Unverified: a request's lines in the proxy's log, the access log and Lambda's own report.
_LOG_BYTES = 1500
# Scaling in waits for a quarter of an hour below nine tenths of the target.
_SCALE_IN_MINUTES, _SCALE_IN_SHARE = 15, 0.9
# Unverified: after which Lambda replaces an environment in use: count the proxy's `Init Duration`.
_ENVIRONMENT_SECONDS = 2 * 3600
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
    requests = _requests(sizing)
    hourly = prices.instance_hour(sizing.load.profile.instance_type)
    return MonthlyCost(
        instances=instance_hours_a_day * prices.HOURS_A_MONTH / 24 * hourly,
        proxy=hosting_cost(sizing, hosting),
        gateway=requests * prices.API_REQUEST,
        logs=requests * _LOG_BYTES / 1e9 * prices.LOG_GIGABYTE,
        tokens=requests * sizing.demand.output_tokens,
    )


def instance_hours_a_day(sizing: Sizing) -> float:
    """Return the hours that scaling to the target pays for on the declared day, by the formula."""
    each = sizing.demand.requests_per_second(sizing.target_load)
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


def hosting_cost(sizing: Sizing, hosting: Hosting) -> float:
    """Return the dollars a month of the proxy; raises RefusedValueError for an unknown price."""
    requests = _requests(sizing)
    cost = (
        _managed(sizing, hosting)
        if isinstance(hosting, ManagedInstances)
        else _on_demand(sizing, hosting, requests)
    )
    return cost + requests * prices.LAMBDA_REQUEST


def cheapest_hosting(sizing: Sizing) -> Hosting:
    """Return the hosting that costs least at the declared load."""
    return min(hostings(sizing), key=lambda each: hosting_cost(sizing, each))


def hostings(sizing: Sizing) -> Sequence[Hosting]:
    """Return one of each kind that holds the declared load."""
    on_demand = (OnDemand(), OnDemand(snap_start=True))
    try:
        return *on_demand, ManagedInstances.sized(sizing)
    except RefusedValueError:  # its environments are too few
        return on_demand


def stream_seconds(sizing: Sizing) -> float:
    """Return how long a stream holds the proxy at the target load."""
    return sizing.in_flight(sizing.target_load) / sizing.demand.requests_per_second(
        sizing.target_load
    )


def _requests(sizing: Sizing) -> float:
    return sizing.load.workload.mean_requests_per_second * _MONTH_SECONDS


def _on_demand(sizing: Sizing, hosting: OnDemand, requests: float) -> float:
    seconds = requests * stream_seconds(sizing)
    gigabytes = hosting.memory_mib / 1024
    cost = seconds * gigabytes * prices.LAMBDA_GIGABYTE_SECOND
    if hosting.snap_start:
        cost += _MONTH_SECONDS * gigabytes * prices.SNAPSTART_CACHE_GIGABYTE_SECOND
        cost += seconds / _ENVIRONMENT_SECONDS * gigabytes * prices.SNAPSTART_RESTORE_GIGABYTE
    return cost


def _managed(sizing: Sizing, hosting: ManagedInstances) -> float:
    rates = sizing.load.workload.rates()
    seconds = stream_seconds(sizing)
    counts = [min(hosting.environments(rate * seconds), hosting.max_environments) for rate in rates]
    environments = sum(counts) / len(rates)
    hourly = environments * prices.ec2_hour(hosting.instance_type) * (1 + prices.MANAGEMENT_FEE)
    hourly += len(CALLED_SERVICES) * ZONES * prices.ENDPOINT_HOUR
    return hourly * prices.HOURS_A_MONTH
