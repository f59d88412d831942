"""What each hosting of the proxy costs a month at a load, and which costs least."""

from collections.abc import Sequence

from . import prices
from .hosting import CALLED_SERVICES, ZONES, Hosting, ManagedInstances, OnDemand
from .sizing import Sizing

_MONTH_SECONDS = prices.HOURS_A_MONTH * 3600
# Unverified: after which Lambda replaces an environment in use: count the proxy's `Init Duration`.
_ENVIRONMENT_SECONDS = 2 * 3600


def hosting_cost(sizing: Sizing, hosting: Hosting) -> float:
    """Return the dollars a month of the proxy; raises RefusedValueError for an unknown price."""
    requests = sizing.load.workload.mean_requests_per_second * _MONTH_SECONDS
    cost = _managed(sizing, hosting) if isinstance(hosting, ManagedInstances) else 0.0
    if isinstance(hosting, OnDemand):
        cost = _on_demand(sizing, hosting, requests)
    return cost + requests * prices.LAMBDA_REQUEST


def cheapest_hosting(sizing: Sizing) -> Hosting:
    """Return the hosting that costs least at the declared load."""
    return min(hostings(sizing), key=lambda each: hosting_cost(sizing, each))


def hostings(sizing: Sizing) -> Sequence[Hosting]:
    """Return one of each kind, for the declared load."""
    return OnDemand(), OnDemand(snap_start=True), ManagedInstances.sized(sizing)


def stream_seconds(sizing: Sizing) -> float:
    """Return how long a stream holds the proxy at the target load."""
    return sizing.in_flight(sizing.target_load) / sizing.demand.requests_per_second(
        sizing.target_load
    )


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
    environments = sum(hosting.environments(rate * seconds) for rate in rates) / len(rates)
    hourly = environments * prices.ec2_hour(hosting.instance_type) * (1 + prices.MANAGEMENT_FEE)
    hourly += len(CALLED_SERVICES) * ZONES * prices.ENDPOINT_HOUR
    return hourly * prices.HOURS_A_MONTH
