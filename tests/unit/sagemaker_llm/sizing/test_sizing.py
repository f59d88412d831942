"""The settings that follow from a load, and their cost."""

from dataclasses import replace

import pytest

from sagemaker_llm import (
    FLAT_DAY,
    OFFICE_DAY,
    Fixed,
    Load,
    Objective,
    OnDemand,
    Sizing,
    Tracked,
    Workload,
    published_profile,
)
from sagemaker_llm.sizing import prices
from sagemaker_llm.sizing.cost import instance_hours_a_day, monthly_cost
from sagemaker_llm.sizing.formula import staffing
from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.staffing import missed
from sagemaker_llm.sizing.schedule import minimum_at
from tests.unit.sagemaker_llm.sizing.declared import FIRST_2_THEN_60, WHOLE_60, shapes, sized

_TEN = 23.1  # requests a second that need ten instances


def test_targets_and_limits_follow_from_the_load() -> None:
    sizing = sized(_TEN)
    assert sizing.peak_instances == 10
    assert sizing.target_concurrent_requests == pytest.approx(17.9, abs=0.1)
    assert sizing.max_concurrent_requests == 20
    assert (sizing.min_instances, sizing.max_instances) == (3, 15)
    assert sizing.requests_per_second == pytest.approx(36.2, abs=0.1)
    assert sizing.concurrency_alarm == pytest.approx(17.0, abs=0.1)
    assert sizing.max_refused_share == 0.01


def test_target_stays_below_what_an_instance_admits_at_every_size() -> None:
    for peak in (0.1, 1.5, 6.0, _TEN, 250.0):
        for objective in (WHOLE_60, FIRST_2_THEN_60):
            sizing = sized(peak, objective=objective)
            assert sizing.target_concurrent_requests < sizing.max_concurrent_requests


def test_busiest_instance_of_a_larger_fleet_is_no_further_above_the_mean() -> None:
    few, many = (sized(peak).maximum_above_mean for peak in (6.0, 250.0))
    assert few < many == sized(2500.0).maximum_above_mean == 0.7


def test_memory_limits_what_is_admitted_of_long_prompts() -> None:
    sizing = sized(0.01, objective=Objective(milliseconds_per_token=1000), words=(6400,))
    assert sizing.max_concurrent_requests == int(sizing.demand.memory_limit) == 9


def test_bursts_are_held_by_instances_on_stand_by() -> None:
    plain, bursty = sized(_TEN), sized(_TEN, burst=1.25)
    assert bursty.target_concurrent_requests < 0.8 * plain.target_concurrent_requests
    assert 1.15 < instance_hours_a_day(bursty) / instance_hours_a_day(plain) < 1.3


def test_refused_clients_come_back_when_those_before_them_have_ended() -> None:
    sizing = sized(_TEN)
    demand, limit = sizing.demand, sizing.max_concurrent_requests
    token = demand.service.step + demand.slope * limit
    assert sizing.retry_after_seconds - 1 < 128 * token / 1000 <= sizing.retry_after_seconds
    assert sized(1.0, tokens=2000).retry_after_seconds == 60  # clients heed no longer time


def test_work_that_is_tracked_has_concurrency_above_it_as_its_guard() -> None:
    default = sized(_TEN)
    tracked = Sizing(replace(default.load, tracked=Tracked.WORK))
    assert default.target_work_milliseconds is None
    aimed, work = 60_000 * default.target_load, tracked.target_work_milliseconds
    assert work is not None
    assert aimed < work < 1.1 * aimed  # noise of ten instances
    guard = tracked.target_concurrent_requests
    assert default.target_concurrent_requests < guard < tracked.max_concurrent_requests


def test_schedule_is_ahead_of_an_office_s_ramp() -> None:
    sizing = sized(_TEN, curve=OFFICE_DAY, mean=0.6)
    at = {minute: minimum_at(sizing.schedule, minute, 0) for minute in range(1440)}
    rates = sizing.load.workload.rates()
    assert at[7 * 60] == sizing.min_instances < at[9 * 60] <= 10
    for minute in range(1440):
        needed = sizing.fleet(0.9 * rates[(minute + 9) % 1440])
        assert at[minute] >= min(needed, sizing.max_instances)


def test_flat_day_has_no_schedule() -> None:
    assert sized(_TEN, curve=FLAT_DAY, mean=1.0).schedule == ()


def test_fixed_number_stands_with_its_reason() -> None:
    fixed = {"min_instances": Fixed(value=5, reason="two of them may fail")}
    sizing = sized(_TEN, fixed=fixed)
    assert (sizing.min_instances, sizing.derived_min) == (5, 3)
    assert min(each.instances for each in sizing.schedule) == 5


def _fixed(**values: float) -> dict[str, Fixed]:
    return {name: Fixed(value=each, reason="as somebody said") for name, each in values.items()}


@pytest.mark.parametrize("name", ["min_instances", "max_instances", "max_concurrent_requests"])
def test_fixed_part_of_an_instance_or_request_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} in fixed must be a whole number, got 0.5"):
        sized(_TEN, fixed=_fixed(**{name: 0.5}))


def test_fixed_numbers_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="must be at least min_instances 5, got 4"):
        _ = sized(_TEN, fixed=_fixed(min_instances=5, max_instances=4)).max_instances
    # Scaling would never add an instance: each refuses before it is reached.
    for target in (20, 21):
        fixed = _fixed(target_concurrent_requests=target, max_concurrent_requests=20)
        said = f"must be below 20, which an instance admits, got {target}"
        with pytest.raises(ValueError, match=said):
            _ = sized(_TEN, fixed=fixed).target_concurrent_requests


@pytest.mark.parametrize("limit", [3, 10])
def test_fixed_limit_reaches_the_fleet_and_the_clients_rates(limit: int) -> None:
    derived, sizing = sized(_TEN), sized(_TEN, fixed=_fixed(max_concurrent_requests=limit))
    assert sizing.derived_limit == derived.max_concurrent_requests
    assert sizing.peak_instances > derived.peak_instances
    assert sizing.target_concurrent_requests < limit
    promised = sizing.in_flight(sizing.max_load)
    assert promised < sizing.concurrency_alarm < limit
    # Little's law: what is served at once is what comes in a second, for as long as it stays.
    seconds = promised / sizing.demand.requests_per_second(sizing.max_load)
    places = sizing.max_instances * limit
    assert 0.5 * places < sizing.requests_per_second * seconds < places


def test_fixed_limit_above_the_derived_one_changes_no_fleet() -> None:
    derived, sizing = sized(_TEN), sized(_TEN, fixed=_fixed(max_concurrent_requests=40))
    assert sizing.requests_per_second == derived.requests_per_second


def test_fixed_limit_with_which_no_fleet_serves_the_load_is_refused() -> None:
    with pytest.raises(ValueError, match="in fixed must be at least 2, with which"):
        sized(_TEN, fixed=_fixed(max_concurrent_requests=1))
    sized(_TEN, fixed=_fixed(max_concurrent_requests=2))


def test_cost_is_that_of_the_hours_at_the_known_price() -> None:
    sizing = sized(_TEN)
    hours = instance_hours_a_day(sizing)
    assert 155 < hours < 175
    cost = monthly_cost(sizing, hours, OnDemand(memory_mib=1024))
    assert cost.instances == pytest.approx(hours * 730 / 24 * 1.515)
    assert cost.per_million_tokens(cost.total) == pytest.approx(cost.total / cost.tokens * 1e6)
    assert 0.25 < cost.proxy_share < 0.35


def test_unknown_price_names_the_table() -> None:
    with pytest.raises(ValueError, match=r"ml\.p5\.48xlarge must be in INSTANCE_HOUR of .*prices"):
        prices.instance_hour("ml.p5.48xlarge")


@pytest.mark.parametrize(
    ("objective", "nearest"),
    [
        (Objective(milliseconds_per_token=33), "can: 33.2 ms a token"),
        (
            Objective(milliseconds_per_token=60, time_to_first_token_seconds=0.5),
            "can: 0.858 s to the first token and 60 ms a token",
        ),
        (
            Objective(milliseconds_per_token=20, time_to_first_token_seconds=0.5),
            "s to the first token and",
        ),
    ],
)
def test_objective_that_cannot_be_kept_is_refused_with_the_nearest(
    objective: Objective, nearest: str
) -> None:
    with pytest.raises(ValueError, match=nearest):
        sized(5.4, objective=objective)


def test_nearest_objective_is_one_that_is_taken() -> None:
    sized(5.4, objective=Objective(milliseconds_per_token=60, time_to_first_token_seconds=0.858))


def test_nearest_objective_is_found_in_few_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = []

    def counted(demand: Demand, objective: Objective, load: float, instances: int) -> float:
        evaluated.append(instances)
        return missed(demand, objective, load, instances)

    monkeypatch.setattr(staffing, "missed", counted)
    with pytest.raises(ValueError, match="the nearest that it can"):
        sized(1e4, objective=Objective(milliseconds_per_token=40, time_to_first_token_seconds=0.5))
    assert len(evaluated) < 150  # a fleet of each size takes that many; they were thousands


def test_prompts_far_longer_than_measured_are_refused() -> None:
    with pytest.raises(ValueError, match=r"prompt_words must be at most 8000, .* got 9000"):
        sized(0.1, words=(9000,))


def test_answers_longer_than_a_stream_are_refused() -> None:
    with pytest.raises(ValueError, match="within the 480 seconds of SageMaker's streams, got 600"):
        sized(0.1, tokens=10_000)


def test_a_day_is_as_declared() -> None:
    workload = Workload(shapes=shapes(128), peak_requests_per_second=10, mean_requests_per_second=6)
    rates = workload.rates()
    assert max(rates) == pytest.approx(10)
    assert sum(rates) / len(rates) == pytest.approx(6, rel=0.001)
    assert min(rates) == pytest.approx(workload.trough_requests_per_second) == pytest.approx(2)


def test_unknown_name_of_a_fixed_number_is_refused() -> None:
    with pytest.raises(ValueError, match="fixed must name only min_instances"):
        Load(
            workload=sized(1).load.workload,
            objective=WHOLE_60,
            profile=published_profile(),
            fixed={"maximum": Fixed(value=2, reason="for no reason at all")},
        )
