"""What each hosting of the proxy costs for a million tokens, at the load and around it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sagemaker_llm.sizing.cost import (
    MonthlyCost,
    cheapest_hosting,
    hostings,
    instance_hours_a_day,
    monthly_cost,
)
from sagemaker_llm.sizing.hosting import Hosting, OnDemand
from sagemaker_llm.sizing.sizing import Sizing

_TIMES = (0.1, 1.0, 10.0)
_DECLARED = _TIMES.index(1.0)


def named(hosting: Hosting) -> str:
    """Return a hosting in words."""
    if isinstance(hosting, OnDemand):
        with_snapshots = ", SnapStart" if hosting.snap_start else ""
        return f"on demand, {hosting.memory_mib} MiB{with_snapshots}"
    return f"managed instances, {hosting.instance_type}, {hosting.max_streams} streams each"


def around(sizing: Sizing) -> Sequence[Sizing]:
    """Return what follows from a tenth of the declared load, from it, and from ten times it."""
    load = sizing.load
    peak, mean = load.workload.peak_requests_per_second, load.workload.mean_requests_per_second
    return [
        Sizing(
            replace(
                load,
                workload=replace(
                    load.workload,
                    peak_requests_per_second=times * peak,
                    mean_requests_per_second=times * mean,
                ),
                # What was decided for the declared load need not hold for ten times it.
                fixed=load.fixed if times <= 1 else {},
            )
        )
        for times in _TIMES
    ]


def by_load(sizing: Sizing, deployed: Hosting) -> Iterator[Sequence[str]]:
    """Yield the parts of a million tokens' cost in USD by load; the proxy's for each hosting."""
    sizings = around(sizing)
    yield ["requests/s at the peak", *(f"{_peak(each):g}" for each in sizings)]
    chosen = [_cost(each, deployed) for each in sizings]
    yield ["instances", *(_dollars(cost, cost.instances) for cost in chosen)]
    more = [] if deployed in hostings(sizing) else [deployed]
    for alike in zip(*([*hostings(each), *more] for each in sizings), strict=True):
        costs = [_cost(each, hosting) for each, hosting in zip(sizings, alike, strict=True)]
        parts = (f"{_dollars(cost, cost.proxy)} ({cost.proxy_share:.1%})" for cost in costs)
        yield [f"proxy, {named(alike[_DECLARED])}", *parts]
    yield ["API Gateway", *(_dollars(cost, cost.gateway) for cost in chosen)]
    yield ["logs", *(_dollars(cost, cost.logs) for cost in chosen)]
    cheapest = [_cost(each, cheapest_hosting(each)) for each in sizings]
    yield ["total, cheapest proxy", *(_dollars(cost, cost.total) for cost in cheapest)]


def _cost(sizing: Sizing, hosting: Hosting) -> MonthlyCost:
    return monthly_cost(sizing, instance_hours_a_day(sizing), hosting)


def _dollars(cost: MonthlyCost, dollars: float) -> str:
    return f"{cost.per_million_tokens(dollars):.3f}"


def _peak(sizing: Sizing) -> float:
    return sizing.load.workload.peak_requests_per_second
