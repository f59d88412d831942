"""The closed formula: it gives what simulations of the published service gave."""

import pytest

from sagemaker_llm import Objective, published_profile
from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.service import fit
from sagemaker_llm.sizing.formula.staffing import (
    MAX_INSTANCES,
    capacity,
    fleet,
    is_kept,
    max_load,
    missed,
)
from tests.unit.sagemaker_llm.sizing.declared import FIRST_2_THEN_60, WHOLE_60, shapes

_SERVICE = fit(published_profile())
_HALF = Demand(_SERVICE, shapes(128, 512))


# In flight and requests a second of an instance, by the fleet's size.
@pytest.mark.parametrize(
    ("words", "milliseconds", "known"),
    [
        ((128,), 60, {1: (25.3, 4.10), 3: (32.3, 4.85), 10: (37.7, 5.35), 1000: (45.0, 5.92)}),
        ((128, 512), 60, {1: (8.9, 1.56), 3: (12.7, 2.05), 10: (15.4, 2.35), 1000: (17.6, 2.55)}),
        ((512,), 60, {1: (5.4, 0.95), 3: (8.2, 1.33), 10: (10.7, 1.60), 1000: (14.5, 1.92)}),
        ((128, 512), 50, {1: (4.9, 0.97), 3: (7.5, 1.40), 10: (9.3, 1.66), 1000: (10.5, 1.81)}),
        ((128, 512), 80, {1: (16.7, 2.42), 3: (22.7, 2.94), 10: (27.7, 3.26), 1000: (32.2, 3.52)}),
    ],
)
def test_instances_carry_what_the_simulation_found(
    words: tuple[int, ...], milliseconds: float, known: dict[int, tuple[float, float]]
) -> None:
    demand = Demand(_SERVICE, shapes(*words))
    objective = Objective(milliseconds_per_token=milliseconds)
    for instances, (in_flight, rate) in known.items():
        load = max_load(demand, objective, instances)
        assert demand.in_flight(load, instances) == pytest.approx(in_flight, abs=0.11)
        assert demand.requests_per_second(load) == pytest.approx(rate, abs=0.011)


def test_tokens_after_the_first_do_not_pay_for_their_own_prompt() -> None:
    for instances in (1, 10, 1000):
        whole, further = (max_load(_HALF, each, instances) for each in (WHOLE_60, FIRST_2_THEN_60))
        assert whole < further < 1.07 * whole


def test_a_time_to_first_token_that_is_tight_decides() -> None:
    loads = [
        max_load(_HALF, Objective(milliseconds_per_token=60, time_to_first_token_seconds=s), 10)
        for s in (1.1, 1.3, 2, 5)
    ]
    assert loads[0] < loads[1] < loads[2] == pytest.approx(loads[3], rel=0.01)


def test_short_answers_miss_where_long_ones_do_not() -> None:
    short, long = (Demand(_SERVICE, shapes(512, tokens=n)) for n in (16, 256))
    load = 0.4
    assert missed(short, FIRST_2_THEN_60, load, 3) > 2 * missed(long, FIRST_2_THEN_60, load, 3)


def test_fleet_is_the_smallest_that_carries_a_rate() -> None:
    for rate in (0.1, 1.6, 23.1, 250.0):
        instances = fleet(_HALF, WHOLE_60, rate)
        assert capacity(_HALF, WHOLE_60, instances) >= rate
        assert instances == 1 or capacity(_HALF, WHOLE_60, instances - 1) < rate


def test_no_fleet_keeps_what_a_single_request_misses() -> None:
    objective = Objective(milliseconds_per_token=30)
    assert max_load(_HALF, objective, 1000) == 0
    assert fleet(_HALF, objective, 0.1) > 1000


@pytest.mark.parametrize("rate", [0.5, 40.0, 2400.0, 2700.0, 1e6])
@pytest.mark.parametrize(
    "objective", [WHOLE_60, FIRST_2_THEN_60, Objective(milliseconds_per_token=33)]
)
def test_a_rate_is_kept_when_some_fleet_serves_it(rate: float, objective: Objective) -> None:
    assert is_kept(_HALF, objective, rate) == (fleet(_HALF, objective, rate) <= MAX_INSTANCES)
