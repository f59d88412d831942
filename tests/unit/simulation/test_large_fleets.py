"""The day of a large fleet: the pooled model and sampled events, beside all the events."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from sagemaker_llm.sizing.formula.workload import Objective
from sagemaker_llm.sizing.load import Tracked
from sagemaker_llm.sizing.sizing import Sizing
from simulation.day import Day, Situation
from simulation.engine.events import (
    ARRIVED,
    INSTANCES,
    REFUSED,
    SERVING,
    THROTTLED,
    TURNED_AWAY,
)
from simulation.engine.inputs import Policy
from simulation.policies import Way, fixed, plan, work_plan
from simulation.sampled import simulated_by_events
from simulation.scenarios import OBJECTIVE, mix, sizing_for

_DEMAND = sizing_for(3).demand
_EIGHT = Policy(minimum=8.0, maximum=8.0)
# Of no interest, but that it passes: an answer's length and more.
_FILLING_ROWS = 6


def _situation(rate: float, seconds: int, words: float = 0.5) -> Situation:
    demand = replace(_DEMAND, shapes=mix(words))
    return Situation(
        rate=np.full(seconds, rate), demand=demand, objective=OBJECTIVE, declared=_DEMAND
    )


def _shares(day: Day) -> Mapping[int, float]:
    columns = (TURNED_AWAY, THROTTLED, REFUSED)
    series = day.series[_FILLING_ROWS:]
    return {column: series[:, column].sum() / series[:, ARRIVED].sum() for column in columns}


def test_pooled_model_pays_for_what_the_events_pay_for() -> None:
    rate = np.interp(np.arange(900), [0, 900], [20.0, 24.0])
    situation = replace(_situation(1.0, 900), rate=rate)
    policy = fixed(sizing_for(10), 10).policy
    events, pooled = (situation.run(policy, 10, pooled=each) for each in (False, True))
    assert pooled.hours == events.hours
    assert pooled.requests == pytest.approx(events.requests, rel=0.03)
    assert np.nanmean(pooled.milliseconds) == pytest.approx(
        np.nanmean(events.milliseconds), rel=0.05
    )


def test_pooled_model_counts_work_too() -> None:
    situation = _situation(10.0, 600, words=0.05)
    policy = Policy(target_per_minute=80.0, maximum=30.0)
    by_work, by_calls = (
        situation.run(policy, 8, counts_work=each, pooled=True) for each in (True, False)
    )
    assert by_work.series[-1, INSTANCES] > by_calls.series[-1, INSTANCES]


@pytest.mark.parametrize(
    "policy",
    [
        Policy(limit=10.0, maximum=8.0, retry_after=6.0),
        Policy(limit=10.0, maximum=8.0, retries=0.0),
        Policy(limit=20.0, maximum=8.0, client_rate=14.0, client_burst=50.0, retry_after=6.0),
    ],
    ids=["limit", "clients do not retry", "limit and clients' rates"],
)
def test_pooled_model_refuses_throttles_and_retries_as_the_events_do(policy: Policy) -> None:
    situation = _situation(20.0, 600)
    events, pooled = (situation.run(policy, 8, pooled=each) for each in (False, True))
    assert _shares(events)[REFUSED] > 0.02
    assert _shares(pooled) == pytest.approx(_shares(events), rel=0.2, abs=0.02)
    assert pooled.missed == pytest.approx(events.missed, abs=0.06)


def test_pooled_fleet_does_not_grow_by_requests_that_are_refused() -> None:
    # Each instance admits a half more than the target: so much more is asked for at once, at most.
    situation, policy = _situation(40.0, 60), Policy(target_concurrent=8.0, limit=12.0, maximum=90)
    instances = situation.run(policy, 4, pooled=True).series[:, INSTANCES]
    assert instances.max() == 6


@pytest.mark.parametrize(
    ("objective", "limit"),
    [
        (Objective(milliseconds_per_token=200, time_to_first_token_seconds=1.1), 128.0),
        (OBJECTIVE, 16.0),
    ],
    ids=["first token", "refused"],
)
def test_busy_day_by_sampled_events_is_the_day_by_all_of_them(
    objective: Objective, limit: float
) -> None:
    rate = np.interp(np.arange(1200), [0, 1200], [16.0, 20.0])
    situation = replace(_situation(1.0, 1200), rate=rate, objective=objective)
    way = Way(policy=Policy(minimum=8.0, maximum=8.0, limit=limit))
    exact = simulated_by_events(situation, way, 8)
    sampled = simulated_by_events(situation, way, 8, requests=12_000)
    assert 0.02 < exact.missed < 0.5
    assert sampled.missed == pytest.approx(exact.missed, rel=0.3)
    assert (sampled.hours, len(sampled.series)) == (exact.hours, len(exact.series))
    assert sampled.requests == pytest.approx(exact.requests, rel=0.03)


def test_pooled_model_knows_no_promise_of_a_first_token() -> None:
    promise = Objective(milliseconds_per_token=200, time_to_first_token_seconds=1.2)
    situation, way = replace(_situation(19.0, 600), objective=promise), Way(policy=_EIGHT)
    assert situation.run(way.policy, 8, pooled=True).missed == 0
    assert simulated_by_events(situation, way, 8).missed > 0.01


def test_sampled_day_pays_for_instances_that_start() -> None:
    situation = _situation(20.0, 600)
    way = Way(policy=Policy(target_concurrent=10.0, maximum=9.0))
    series = simulated_by_events(situation, way, 6, requests=7_000).series
    assert (series[:, INSTANCES] > series[:, SERVING]).any()


def test_plan_of_a_load_whose_work_is_tracked_tracks_it() -> None:
    default = sizing_for(10)
    tracked = Sizing(replace(default.load, tracked=Tracked.WORK))
    way = plan(tracked)
    assert way.counts_work
    assert way.policy.target_per_minute > 0
    assert way.policy == work_plan(default).policy
    assert not plan(default).counts_work
