"""The table: each setting, its value, and why it is that."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from operate.plan.hosting import named
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.sizing.cost import cheapest_hosting
from sagemaker_llm.sizing.formula.service import worst_row
from sagemaker_llm.sizing.load import Load
from sagemaker_llm.sizing.sizing import ALARM_MINUTES, ALARM_MINUTES_AT_MAXIMUM, Sizing

if TYPE_CHECKING:
    from stacks.environment import Environment


class PlanRow(NamedTuple):
    """A line of a table."""

    subject: str
    value: str
    reason: str


def shown(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def rows(environment: "Environment", sizing: Sizing) -> Sequence[PlanRow]:
    """Return what is declared, what was measured, and what follows."""
    return [
        *_declared(sizing.load),
        *_measured(sizing),
        *_fleet(sizing),
        *_limits(environment, sizing),
        *_alarms(sizing),
    ]


def chosen(environment: "Environment") -> Sequence[PlanRow]:
    """Return the numbers of an environment that declares no load."""
    scaling, reserved = environment.scaling, _proxy_concurrency(environment)
    why = "chosen"
    return [
        PlanRow("instance type", environment.instance_type, why),
        PlanRow("instances", f"{scaling.min_instances} to {scaling.max_instances}", why),
        PlanRow("target, in flight", f"{scaling.target_concurrent_requests:g}", why),
        PlanRow(
            "admitted at once", str(environment.model.limits.max_concurrent_requests), "by each"
        ),
        PlanRow("proxy's executions", reserved, "what the largest fleet admits, plus headroom"),
        *(
            PlanRow(f"limit of {name}", f"{limit.rate:g}/s, burst {limit.burst}", why)
            for name, limit in environment.api.limits.items()
        ),
    ]


def _declared(load: Load) -> Iterator[PlanRow]:
    workload, objective = load.workload, load.objective
    for shape in workload.shapes:
        yield PlanRow(
            "declared: requests",
            f"{shape.prompt_words} words, {shape.output_tokens} tokens",
            f"{shape.share:.0%} of them",
        )
    yield PlanRow(
        "declared: load",
        f"{workload.peak_requests_per_second:g}/s at the peak",
        f"{workload.mean_requests_per_second:g}/s on average, and"
        f" {workload.trough_requests_per_second:.2g}/s at the trough",
    )
    first = objective.time_to_first_token_seconds
    promise = f"{objective.milliseconds_per_token:g} ms a token"
    yield PlanRow(
        "declared: promise",
        promise if first is None else f"{first:g} s, then {promise}",
        f"for {objective.share:.1%} of the requests",
    )


def _measured(sizing: Sizing) -> Iterator[PlanRow]:
    profile, service = sizing.load.profile, sizing.demand.service
    row, error = worst_row(service, profile)
    yield PlanRow("measured: profile", profile.instance_type, profile.name)
    yield PlanRow(
        "measured: service",
        f"{service.step:.1f} + {sizing.demand.slope:.2f} b ms",
        "a token with b requests in flight; the fit is worst for"
        f" {row.words:g} words and {row.users:g} users, {error:+.1%}",
    )
    if profile.idle_users > 0.05:  # noqa: PLR2004 - Little's law's tolerance
        yield PlanRow(
            "measured: doubt",
            f"{profile.idle_users:.0%} of the users",
            "do not appear in the profile's throughput: they are taken as idle while a run drained."
            " If they waited instead, an instance carries less than half; `make bench` settles it",
        )


def _fleet(sizing: Sizing) -> Iterator[PlanRow]:
    demand, workload = sizing.demand, sizing.load.workload
    each = demand.requests_per_second(sizing.max_load)
    yield PlanRow(
        "instances at the peak",
        str(sizing.peak_instances),
        f"each serves {each:.2f}/s within the promise, {sizing.max_load:.0%} of its capacity:"
        " the rest absorbs noise",
    )
    yield PlanRow(
        "target, in flight",
        f"{sizing.target_concurrent_requests:g}",
        _fixed(sizing, "target_concurrent_requests")
        or _guard(sizing)
        or f"{sizing.in_flight(sizing.target_load):.1f} on average within the promise (headroom"
        f" {sizing.headroom:g}), {sizing.maximum_above_mean:.1f} as the metric is a maximum, the"
        " rest for noise",
    )
    if sizing.target_work_milliseconds:
        yield PlanRow(
            "target, work",
            f"{sizing.target_work_milliseconds:,.0f} ms a minute",
            "on an instance, as the proxy counts prefill and decoding; unverified on AWS",
        )
    yield PlanRow(
        "minimum instances",
        str(sizing.min_instances),
        _fixed(sizing, "min_instances") or "what the trough needs",
    )
    surge = max(workload.surge, workload.burst)
    yield PlanRow(
        "maximum instances",
        str(sizing.max_instances),
        _fixed(sizing, "max_instances")
        or f"what {surge:g} times the peak needs; they serve up to"
        f" {sizing.requests_per_second:.2f}/s",
    )
    times = ", ".join(
        f"{each.minute // 60:02}:{each.minute % 60:02} {each.instances}" for each in sizing.schedule
    )
    yield PlanRow(
        "scheduled minimums",
        f"{len(sizing.schedule)} a day",
        f"{times} ({workload.timezone}): what 90 % of each ten minutes needs, ten minutes ahead"
        if times
        else "one minimum is enough all day",
    )


def _limits(environment: "Environment", sizing: Sizing) -> Iterator[PlanRow]:
    yield PlanRow(
        "MAX_CONCURRENT_REQUESTS",
        str(sizing.max_concurrent_requests),
        _fixed(sizing, "max_concurrent_requests")
        or "with more in flight the average request misses the promise; the memory was measured to"
        f" hold {sizing.demand.memory_limit:.0f}",
    )
    yield PlanRow(
        "Retry-After",
        f"{sizing.retry_after_seconds} s",
        "by then all the requests that fill the endpoint now have ended; a new instance takes"
        " longer",
    )
    yield PlanRow(
        "longest answer",
        f"{sizing.load.answer_seconds:.0f} s",
        "the longest declared one, within the promise: set clients' time limits higher; SageMaker"
        " ends an answer at 480 s",
    )
    for name, limit in environment.api.limits.items():
        yield PlanRow(
            f"limit of {name}",
            f"{limit.rate:g}/s, burst {limit.burst}",
            "rates add up to what the largest fleet serves; a burst is what the smallest admits",
        )
    yield PlanRow(
        "proxy's hosting",
        named(environment.api.hosting),
        "the cheapest at the declared load"
        if environment.api.hosting == cheapest_hosting(sizing)
        else f"fixed: {named(cheapest_hosting(sizing))} would cost less",
    )
    yield PlanRow(
        "proxy's executions",
        _proxy_concurrency(environment),
        f"{environment.max_concurrent_requests} that the largest fleet admits, plus headroom for"
        " refused requests",
    )


def _alarms(sizing: Sizing) -> Iterator[PlanRow]:
    first = sizing.max_time_to_first_token_seconds
    yield PlanRow(
        "alarm: in flight",
        f"{sizing.concurrency_alarm:g} for {ALARM_MINUTES} minutes",
        "on average on an instance: 3 above what keeps the promise, but at most a third of the way"
        " to what is admitted",
    )
    yield PlanRow(
        "alarm: refused",
        f"{sizing.max_refused_share:.1%} for {ALARM_MINUTES} minutes",
        "the share that may miss the promise",
    )
    yield PlanRow(
        "alarm: at maximum",
        f"{sizing.in_flight_at_maximum:g} for {ALARM_MINUTES_AT_MAXIMUM} minutes",
        f"on average on an instance while all {sizing.max_instances} run: the fleet cannot grow",
    )
    if first is not None:
        yield PlanRow(
            "update is undone at",
            f"{first:g} s to first token",
            "for one request in ten: five times the promise, as the first requests are slow",
        )


def _guard(sizing: Sizing) -> str:
    if not sizing.tracks_work:
        return ""
    return "a guard above the tracked work, at twice the noise"


def _fixed(sizing: Sizing, name: str) -> str:
    fixed = sizing.load.fixed.get(name)
    derived = {
        "min_instances": sizing.derived_min,
        "max_instances": sizing.derived_max,
        "target_concurrent_requests": sizing.derived_target,
        "max_concurrent_requests": sizing.derived_limit,
    }[name]
    return "" if fixed is None else f"fixed: {fixed.reason} (derived: {derived:g})"


def _proxy_concurrency(environment: "Environment") -> str:
    reserved = reserved_concurrency(environment.api, environment.max_concurrent_requests)
    return "the account's" if reserved.proxy is None else str(reserved.proxy)
