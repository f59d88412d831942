"""The table: each setting, its value, and why it is that."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from operate.plan.limits import alarms, executions, limits
from operate.plan.rows import PlanRow, fixed
from sagemaker_llm.sizing.formula.service import worst_row
from sagemaker_llm.sizing.load import Load
from sagemaker_llm.sizing.sizing import Sizing

if TYPE_CHECKING:
    from stacks.environment import Environment


def rows(environment: "Environment", sizing: Sizing) -> Sequence[PlanRow]:
    """Return what is declared, what was measured, and what follows."""
    return [
        *_declared(sizing.load),
        *_measured(sizing),
        *_fleet(sizing),
        *limits(environment, sizing),
        *alarms(environment, sizing),
    ]


def chosen(environment: "Environment") -> Sequence[PlanRow]:
    """Return the numbers of an environment that declares no load."""
    scaling, why = environment.scaling, "chosen"
    return [
        PlanRow("instance type", environment.instance_type, why),
        PlanRow("instances", f"{scaling.min_instances} to {scaling.max_instances}", why),
        PlanRow("target, in flight", f"{scaling.target_concurrent_requests:g}", why),
        PlanRow(
            "admitted at once", str(environment.model.limits.max_concurrent_requests), "by each"
        ),
        executions(environment),
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
        fixed(sizing, "target_concurrent_requests")
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
        fixed(sizing, "min_instances") or "what the trough needs",
    )
    surge = max(workload.surge, workload.burst)
    yield PlanRow(
        "maximum instances",
        str(sizing.max_instances),
        fixed(sizing, "max_instances")
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


def _guard(sizing: Sizing) -> str:
    if not sizing.tracks_work:
        return ""
    return "a guard above the tracked work, at twice the noise"
