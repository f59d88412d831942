"""What each hosting of the proxy costs for a million tokens, at the load and around it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sagemaker_llm.sizing.cost import (
    MonthlyCost,
    cheapest_hosting,
    hostings,
    instance_hours_a_day,
    monthly_cost,
)
from sagemaker_llm.sizing.formula.staffing import MAX_INSTANCES, capacity
from sagemaker_llm.sizing.hosting import Hosting, ManagedInstances, OnDemand
from sagemaker_llm.sizing.sizing import Sizing

_LESS, _MORE = 0.1, 10.0


def named(hosting: Hosting) -> str:
    """Return a hosting in words."""
    if isinstance(hosting, OnDemand):
        with_snapshots = ", SnapStart" if hosting.snap_start else ""
        return f"on demand, {hosting.memory_mib} MiB{with_snapshots}"
    return f"managed instances, {hosting.instance_type}, {hosting.max_streams} streams each"


def around(sizing: Sizing) -> Sequence[Sizing]:
    """Return what follows from a tenth of the declared load, from it, and from up to ten times it.

    The last is as much as the largest fleet keeps the promise for, and missing if that is no more.
    """
    most = min(most_requests_per_second(sizing) / _peak(sizing), _MORE)
    # Not the very last request: what is bisected and what is checked may differ in a digit.
    most = math.floor(10 * most) / 10
    return [_times(sizing, _LESS), sizing, *([_times(sizing, most)] if most > 1 else [])]


def most_requests_per_second(sizing: Sizing) -> float:
    """Return what the largest fleet that can be declared serves within the promise."""
    return capacity(sizing.demand, sizing.load.objective, MAX_INSTANCES)


def _times(sizing: Sizing, times: float) -> Sizing:
    load = sizing.load
    workload = replace(
        load.workload,
        peak_requests_per_second=times * load.workload.peak_requests_per_second,
        mean_requests_per_second=times * load.workload.mean_requests_per_second,
    )
    # What was decided for the declared load need not hold for ten times it.
    return Sizing(replace(load, workload=workload, fixed=load.fixed if times < 1 else {}))


def by_load(sizing: Sizing, deployed: Hosting) -> Iterator[Sequence[str]]:
    """Yield the parts of a million tokens' cost in USD by load; the proxy's for each hosting."""
    sizings = around(sizing)
    yield ["requests/s at the peak", *(f"{_peak(each):g}" for each in sizings)]
    chosen = [_cost(each, deployed) for each in sizings]
    yield ["instances", *(_dollars(cost, cost.instances) for cost in chosen)]
    by_name = [{named(way): way for way in _fitting(each, deployed)} for each in sizings]
    for name in dict.fromkeys(named(way) for way in (*hostings(sizing), deployed)):
        cells = (_proxy(each, ways.get(name)) for each, ways in zip(sizings, by_name, strict=True))
        yield [f"proxy, {name}", *cells]
    yield ["API Gateway", *(_dollars(cost, cost.gateway) for cost in chosen)]
    yield ["logs", *(_dollars(cost, cost.logs) for cost in chosen)]
    cheapest = [_cost(each, cheapest_hosting(each)) for each in sizings]
    yield ["total, cheapest proxy", *(_dollars(cost, cost.total) for cost in cheapest)]


def _fitting(sizing: Sizing, deployed: Hosting) -> Sequence[Hosting]:
    """Return the deployed hosting if it holds a load, and one of each kind that does."""
    if isinstance(deployed, ManagedInstances) and not deployed.holds(sizing):
        return hostings(sizing)
    return deployed, *hostings(sizing)


def _proxy(sizing: Sizing, hosting: Hosting | None) -> str:
    if hosting is None:
        return "too small"
    cost = _cost(sizing, hosting)
    return f"{_dollars(cost, cost.proxy)} ({cost.proxy_share:.1%})"


def _cost(sizing: Sizing, hosting: Hosting) -> MonthlyCost:
    return monthly_cost(sizing, instance_hours_a_day(sizing), hosting)


def _dollars(cost: MonthlyCost, dollars: float) -> str:
    return f"{cost.per_million_tokens(dollars):.3f}"


def _peak(sizing: Sizing) -> float:
    return sizing.load.workload.peak_requests_per_second
