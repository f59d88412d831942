"""A simulated day: the service does as its model says, and scaling as AWS's does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sagemaker_llm.sizing.formula.staffing import max_load
from sagemaker_llm.sizing.formula.workload import Objective
from simulation import days
from simulation.day import Day, Situation
from simulation.engine.control import decide, new_control, observe, scaled_in, scaled_out
from simulation.engine.events import (
    ARRIVED,
    IN_FLIGHT,
    INSTANCES,
    REFUSED,
    THROTTLED,
    TURNED_AWAY,
)
from simulation.engine.inputs import Floats, Policy
from simulation.engine.tournament import NEVER, least_leaf, new_tree, put
from simulation.oracle import oracle
from simulation.policies import fixed, plan, schedule_of, ways
from simulation.scenarios import OBJECTIVE, mix, scenarios, sizing_for

_THREE = sizing_for(3)
_DEMAND = _THREE.demand


def _situation(rate: float, seconds: int = 600, words: float = 0.5) -> Situation:
    demand = replace(_DEMAND, shapes=mix(words))
    return Situation(
        rate=np.full(seconds, rate), demand=demand, objective=OBJECTIVE, declared=_DEMAND
    )


def test_tree_knows_the_least_of_its_leaves() -> None:
    tree = new_tree(5)
    for leaf, value in enumerate((4.0, 2.0, 9.0, 1.0, 3.0)):
        put(tree, leaf, value)
    assert (tree[1], least_leaf(tree)) == (1.0, 3)
    put(tree, 3, NEVER)
    assert (tree[1], least_leaf(tree)) == (2.0, 1)


def test_lone_requests_take_what_the_service_model_says() -> None:
    day = _situation(0.01, 20_000).run(Policy(), 1)
    service = _DEMAND.service
    alone = [service.latency(w, 128, 1) for w in (128, 512)]
    assert min(alone) < np.nanmean(day.milliseconds) < max(alone)


@pytest.mark.parametrize(
    ("objective", "percentile"),
    [
        (OBJECTIVE, Day.token_percentile),
        (
            Objective(milliseconds_per_token=200, time_to_first_token_seconds=1),
            Day.first_token_percentile,
        ),
    ],
)
def test_latency_that_all_but_the_missed_have_is_the_promised_one(
    objective: Objective, percentile: Callable[[Day, float, int], Floats]
) -> None:
    day = replace(_situation(2.2, 1200), objective=objective).run(Policy(), 1)
    assert 0.01 < day.missed < 0.5
    assert percentile(day, 1 - day.missed, 120) == pytest.approx([1], abs=0.001)
    halves = percentile(day, 0.5, 60)
    assert halves.shape == (2,)
    assert (halves < 1).all()


def test_percentile_of_lone_requests_is_the_slowest_kinds() -> None:
    day = _situation(0.01, 20_000).run(Policy(), 1)
    slowest = _DEMAND.service.latency(512, 128, 1) / OBJECTIVE.milliseconds_per_token
    assert day.token_percentile(0.9, 2000) == pytest.approx([slowest], abs=0.03)
    assert np.isnan(day.first_token_percentile(0.9, 2000)).all()


def test_formula_is_careful_and_not_by_much() -> None:
    load = max_load(_DEMAND, OBJECTIVE, 3)
    rate = 3 * _DEMAND.requests_per_second(load)
    way = fixed(_THREE, 3)
    at, above = (_situation(f * rate, 3000).run(way.policy, 3).missed for f in (1.0, 1.15))
    assert at < 0.013
    assert above > 0.02


def test_same_seed_gives_the_same_day() -> None:
    runs = [_situation(4.0).run(plan(_THREE).policy, 3, seed=seed).series for seed in (7, 7, 8)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_requests_above_the_limit_are_refused_after_their_retries() -> None:
    policy = Policy(limit=2.0, retries=1.0)
    day = _situation(3.0).run(policy, 1)
    refused = day.series[:, REFUSED].sum()
    assert 0.2 < refused / day.requests < 0.9
    assert day.missed >= refused / day.requests


def test_refused_requests_come_back_when_the_answer_says_so() -> None:
    rate = np.concatenate([np.full(60, 2.0), np.zeros(600)])
    situation = replace(_situation(1.0), rate=rate)
    came = [
        situation.run(Policy(limit=2.0, retries=1.0, retry_after=wait), 1).series[:, ARRIVED]
        for wait in (100.0, 300.0)
    ]
    assert [each[7:].sum() > 0 for each in came] == [True, True]
    assert [each[7 + 10 : 30].sum() > 0 for each in came] == [False, False]
    assert [np.flatnonzero(each)[-1] for each in came] == [15, 35]  # in rows of ten seconds


def test_clients_rates_keep_out_what_is_more() -> None:
    policy = Policy(client_rate=0.5, client_burst=10.0, retries=0.0)
    day = _situation(2.0).run(policy, 1)
    assert day.series[:, ARRIVED].sum() == pytest.approx(0.5 * 600 + 10, abs=1)
    assert day.series[:, THROTTLED].sum() == day.series[:, REFUSED].sum() > 0
    assert day.series[:, TURNED_AWAY].sum() == 0


def test_other_requests_come_in_their_seconds() -> None:
    longer = replace(_DEMAND, shapes=(replace(_DEMAND.shapes[0], output_tokens=1000, share=1.0),))
    seconds = np.arange(600) >= 300
    day = replace(_situation(1.0), others=longer, comes_other=seconds).run(Policy(), 1)
    declared, other = day.series[5:29, IN_FLIGHT].mean(), day.series[50:59, IN_FLIGHT].mean()
    assert other > 4 * declared


def test_load_that_rises_is_met_by_instances_that_are_paid_from_their_order() -> None:
    rate = np.concatenate([np.full(600, 1.0), np.full(1200, 5.0)])
    situation = replace(_situation(1.0), rate=rate)
    policy = Policy(target_concurrent=12.0, maximum=5.0)
    instances = situation.run(policy, 1).series[:, INSTANCES]
    assert instances[59] == 1
    assert instances[60:75].max() > 1  # within 150 seconds
    assert instances.max() <= 5


def test_scheduled_minimum_starts_instances_before_the_load_comes() -> None:
    minimums = np.array([1.0] * 5 + [3.0] * 1435)
    day = _situation(0.1, 600).run(plan(_THREE).policy, 1, minimums=minimums)
    assert day.series[29, INSTANCES] == 1
    assert day.series[30, INSTANCES] == 3


def test_three_datapoints_above_the_target_scale_out_and_an_update_blocks() -> None:
    control, policy = new_control(), Policy(target_concurrent=10.0, maximum=9.0)
    for tick in range(3):
        observe(control, tick, 2, 20.0, 0.0)
    assert decide(control, 3, 2, 0, 1.0, policy) == 2  # the alarm sees them one period late
    observe(control, 3, 2, 20.0, 0.0)
    assert decide(control, 4, 2, 0, 1.0, policy) == 4
    assert decide(control, 4, 2, 1, 1.0, policy) == 3  # what starts blocks
    scaled_out(control, 400_000.0, policy)
    assert decide(control, 5, 2, 0, 1.0, policy) == 2


def test_fifteen_quiet_minutes_scale_in_as_far_as_the_target_allows() -> None:
    control, policy = new_control(), Policy(target_concurrent=10.0, maximum=9.0)
    for tick in range(120):
        observe(control, tick, 4, 4.0, 0.0)
        wanted = decide(control, tick, 4, 0, 1.0, policy)
        assert wanted == 4 or tick >= 102
    assert decide(control, 119, 4, 0, 1.0, policy) == 2
    assert decide(control, 119, 4, 0, 3.0, policy) == 3
    scaled_in(control, 119 * 10_000.0, policy)
    assert decide(control, 119, 4, 0, 1.0, policy) == 4


def test_a_wrong_mix_is_seen_by_work_and_not_by_invocations() -> None:
    situation = _situation(1.0, words=0.05)
    policy = Policy(target_per_minute=80.0, maximum=4.0)
    by_work, by_calls = (situation.run(policy, 1, counts_work=each) for each in (True, False))
    assert by_work.series[-1, INSTANCES] > by_calls.series[-1, INSTANCES] == 1


def test_lengths_that_vary_more_than_declared_miss_more() -> None:
    situation = _situation(5.5, 900)
    policy = fixed(_THREE, 3).policy
    equal, varied = (
        replace(situation, spread=spread).run(policy, 3).missed for spread in (0.0, 1.0)
    )
    assert varied > 2 * equal


def test_oracle_keeps_the_objective_with_the_least_fleet() -> None:
    rate = np.interp(np.arange(1200), [0, 600, 1200], [1.0, 5.0, 1.0])
    best = oracle(replace(_situation(1.0), rate=rate), pooled=False)
    assert best.missed <= 0.01
    assert best.hours < 3 * 1200 / 3600


def test_days_are_what_their_names_say() -> None:
    daily = days.daily(10.0)
    assert (daily.min(), daily.max()) == pytest.approx((2.0, 10.0), rel=0.001)
    assert days.office(10.0)[8 * 3600] == pytest.approx(2.0)
    assert days.office(10.0)[9 * 3600] == pytest.approx(10.0)
    assert days.flash(daily).max() == pytest.approx(3 * daily[15 * 3600 + 60], rel=0.05)
    assert set(np.round(days.bursty(daily) / daily, 6)) == {1.0, 1.5}


def test_every_scenario_has_its_own_day_and_every_way_a_policy() -> None:
    found = scenarios(1)
    totals = {name: float(each.situation.rate.sum()) for name, each in found.items()}
    assert len({*totals.values()}) == len(totals) - 1  # another mix comes at the same rate
    assert len({way.policy for way in ways(sizing_for(10)).values()}) == len(ways(_THREE))
    assert schedule_of(_THREE).max() == 3
