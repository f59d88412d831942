"""The ways to scale that are compared: the plan's, those that people use, and fixed fleets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sagemaker_llm.sizing.load import Tracked
from sagemaker_llm.sizing.schedule import minimum_at
from sagemaker_llm.sizing.sizing import Sizing
from simulation.engine.inputs import Floats, Policy

# AIPerf's and JumpStart's last load: what load tests call saturation.
_SATURATING_USERS = 128
NO_SCHEDULE = np.zeros(0)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A policy, the minimums of the day, and whether its metric counts work or invocations."""

    policy: Policy
    minimums: Floats = field(default_factory=lambda: NO_SCHEDULE)
    counts_work: bool = False


def plan(sizing: Sizing) -> Way:
    """Return what a declared load deploys."""
    policy = _as_deployed(sizing)._replace(target_concurrent=sizing.target_concurrent_requests)
    if sizing.target_work_milliseconds:
        each = sizing.target_work_milliseconds / sizing.demand.work[0]
        policy = policy._replace(target_per_minute=each)
    return Way(policy=policy, minimums=schedule_of(sizing), counts_work=sizing.tracks_work)


def work_plan(sizing: Sizing) -> Way:
    """Return the alternative: work is tracked, and concurrency above it guards."""
    return plan(Sizing(replace(sizing.load, tracked=Tracked.WORK)))


def tracking_concurrency(sizing: Sizing, target: float) -> Way:
    """Return a target of requests in flight, without a schedule or a limit."""
    return Way(policy=_free(sizing)._replace(target_concurrent=target))


def fixed(sizing: Sizing, instances: int) -> Way:
    """Return a fleet that never changes."""
    count = float(instances)
    return Way(policy=_free(sizing)._replace(minimum=count, maximum=count))


def ways(sizing: Sizing) -> Mapping[str, Way]:
    """Return all that are compared, by their names in the tables."""
    demand, workload = sizing.demand, sizing.load.workload
    step, slope = demand.service.step, demand.slope
    served = (1 - sizing.load.profile.idle_users) * _SATURATING_USERS
    saturation = served / (step + slope * served)  # tokens a millisecond
    most = 60_000 * saturation / demand.output_tokens  # requests a minute
    eighty = 0.8 * saturation * step / (1 - 0.8 * slope * saturation)
    classic = _free(sizing)._replace(target_per_minute=0.5 * most, scale_out_cooldown=300.0)
    mean = workload.mean_requests_per_second / workload.peak_requests_per_second
    return {
        "**the plan**": plan(sizing),
        "the plan, clients do not retry": _without_retries(plan(sizing)),
        "work, guard, schedule (unverified)": work_plan(sizing),
        "0.5 x max RPS x 60 (CDK)": Way(policy=classic),
        "80 % of saturation": tracking_concurrency(sizing, eighty),
        "8 requests in flight": tracking_concurrency(sizing, 8.0),
        "fixed, for the peak": fixed(sizing, sizing.peak_instances),
        "fixed, for the mean": fixed(sizing, math.ceil(mean * sizing.peak_instances)),
    }


def schedule_of(sizing: Sizing) -> Floats:
    """Return the scheduled minimum of each minute of the day."""
    if not sizing.schedule:
        return NO_SCHEDULE
    return np.array([float(minimum_at(sizing.schedule, minute, 0)) for minute in range(1440)])


def _without_retries(way: Way) -> Way:
    return replace(way, policy=way.policy._replace(retries=0.0))


def _as_deployed(sizing: Sizing) -> Policy:
    return Policy(
        minimum=float(sizing.min_instances),
        maximum=float(sizing.max_instances),
        limit=float(sizing.max_concurrent_requests),
        client_rate=sizing.requests_per_second,
        client_burst=float(sizing.burst_requests),
        retry_after=float(sizing.retry_after_seconds),
    )


def _free(sizing: Sizing) -> Policy:
    return Policy(minimum=1.0, maximum=float(int(2.2 * sizing.peak_instances) + 2))
