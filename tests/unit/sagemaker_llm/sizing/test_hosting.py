"""What the proxy costs by the way it runs, and which way is chosen."""

import pytest

from sagemaker_llm import ManagedInstances, OnDemand, cheapest_hosting
from sagemaker_llm.sizing import prices
from sagemaker_llm.sizing.cost import (
    hosting_cost,
    hostings,
    instance_hours_a_day,
    monthly_cost,
    stream_seconds,
)
from stacks import loads
from tests.unit.sagemaker_llm.sizing.declared import sized

_MONTH = 730 * 3600


def test_on_demand_is_paid_by_memory_for_as_long_as_streams_last() -> None:
    sizing = loads.prod()
    requests = 3.0 * _MONTH
    seconds = requests * stream_seconds(sizing)
    for memory_mib in (256, 1024):
        dollars = seconds * memory_mib / 1024 * prices.LAMBDA_GIGABYTE_SECOND
        cost = hosting_cost(sizing, OnDemand(memory_mib=memory_mib))
        assert cost == pytest.approx(dollars + requests * prices.LAMBDA_REQUEST)


def test_snapshots_cost_their_keeping_and_each_restore() -> None:
    sizing = loads.prod()
    plain, restored = (hosting_cost(sizing, OnDemand(snap_start=each)) for each in (False, True))
    kept = _MONTH * 256 / 1024 * prices.SNAPSTART_CACHE_GIGABYTE_SECOND
    assert kept < restored - plain < 3 * kept


def test_managed_instances_are_paid_by_the_hour_three_at_least() -> None:
    idle, busy = loads.dev(), sized(250.0)
    hour = prices.ec2_hour("c7g.large") * (1 + prices.MANAGEMENT_FEE)
    requests = 0.3 * _MONTH * prices.LAMBDA_REQUEST
    network = 9 * prices.ENDPOINT_HOUR * 730
    least = 3 * hour * 730 + network + requests
    assert hosting_cost(idle, ManagedInstances()) == pytest.approx(least)
    assert hosting_cost(busy, ManagedInstances.sized(busy)) > 3 * least


def test_environments_of_a_fleet_hold_all_that_it_admits() -> None:
    sizing = sized(250.0)
    managed = ManagedInstances.sized(sizing)
    admitted = sizing.max_instances * sizing.max_concurrent_requests
    assert managed.max_environments * managed.max_streams >= 2 * admitted


def test_managed_instances_that_do_not_hold_the_fleet_are_no_choice() -> None:
    largest, beyond = sized(1000.0), sized(1200.0)
    admitted = largest.max_instances * largest.max_concurrent_requests
    assert admitted <= ManagedInstances.sized(largest).streams == 12_800
    assert isinstance(cheapest_hosting(largest), ManagedInstances)
    with pytest.raises(ValueError, match="at most the 12800 streams of 200 environments, got 14"):
        ManagedInstances.sized(beyond)
    assert not any(isinstance(each, ManagedInstances) for each in hostings(beyond))
    assert cheapest_hosting(beyond) == OnDemand()


def test_no_more_managed_instances_are_priced_than_there_may_be() -> None:
    busy, few = sized(250.0), ManagedInstances(max_environments=3)
    assert hosting_cost(busy, few) < hosting_cost(busy, ManagedInstances.sized(busy))
    hour = prices.ec2_hour("c7g.large") * (1 + prices.MANAGEMENT_FEE)
    fixed = (3 * hour + 9 * prices.ENDPOINT_HOUR) * 730
    requests = 150.0 * _MONTH * prices.LAMBDA_REQUEST
    assert hosting_cost(busy, few) == pytest.approx(fixed + requests)


def test_small_loads_pay_by_the_stream_and_large_ones_by_the_hour() -> None:
    assert cheapest_hosting(loads.dev()) == cheapest_hosting(loads.prod()) == OnDemand()
    assert isinstance(cheapest_hosting(sized(250.0)), ManagedInstances)


@pytest.mark.parametrize("peak", [0.5, 5.0, 50.0, 500.0])
def test_proxy_is_less_than_a_tenth_of_the_cost(peak: float) -> None:
    sizing = sized(peak)
    cost = monthly_cost(sizing, instance_hours_a_day(sizing), cheapest_hosting(sizing))
    assert cost.proxy_share < 0.1


def test_unknown_price_of_a_managed_instance_names_the_table() -> None:
    hosting = ManagedInstances(instance_type="c99g.large")
    with pytest.raises(ValueError, match=r"price of c99g\.large must be in EC2_HOUR of .*prices"):
        hosting_cost(loads.dev(), hosting)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"memory_mib": 1024}, "memory_mib must be from 2048"),
        ({"max_streams": 1601}, "max_streams must be from 1 to 1600"),
        (
            {"memory_mib": 3000},
            "memory_mib must be a multiple of 2048, which one",
        ),
        ({"max_streams": 65}, "max_streams must be at most 64 for each of the 1 CPUs"),
        ({"max_environments": 2}, "max_environments must be from 3"),
        ({"instance_type": "large"}, "instance_type must be an EC2 type"),
    ],
)
def test_managed_instances_that_lambda_would_refuse_are_refused(
    wrong: dict[str, int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        ManagedInstances(**wrong)  # type: ignore[arg-type] # a wrong value


@pytest.mark.parametrize(
    ("instance_type", "memory_mib", "size"),
    [("c7g.large", 4096, "xlarge"), ("c7g.xlarge", 2048, "large"), ("c7g.xlarge", 6144, "2xlarge")],
)
def test_an_instance_that_does_not_fit_one_environment_is_refused(
    instance_type: str, memory_mib: int, size: str
) -> None:
    with pytest.raises(ValueError, match=f"of the size {size}, .* got '{instance_type}'"):
        ManagedInstances(instance_type=instance_type, memory_mib=memory_mib)
