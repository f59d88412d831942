"""`make plan`: each number with its reason, the day's cost, and a picture; nobody is asked."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

# Before numba is imported: compiling a simulation of minutes takes longer than it does.
os.environ["NUMBA_DISABLE_JIT"] = "1"

import app
from operate.plan import hosting, limits, picture, table
from operate.plan import plan as verb
from operate.plan.days import PLAN, costs, simulated
from operate.plan.rows import PlanRow
from sagemaker_llm import (
    ApiSettings,
    Client,
    ManagedInstances,
    OnDemand,
    Reservation,
    Sizing,
    TargetTracking,
    cheapest_hosting,
)
from sagemaker_llm.models.servers.server import Server
from sagemaker_llm.models.servers.tgi import TGI
from sagemaker_llm.models.servers.vllm import VLLM
from simulation import days
from stacks import loads
from stacks.environment import Environment
from stacks.environments import prod


@pytest.fixture(name="folder", autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    short = np.full(600, 0.5)
    monkeypatch.setattr(days, "declared", lambda _workload: short)
    return tmp_path


def _sized(peak: float) -> Sizing:
    """Return what follows from prod's load with another peak."""
    load = loads.prod().load
    workload = replace(
        load.workload, peak_requests_per_second=peak, mean_requests_per_second=0.6 * peak
    )
    return Sizing(replace(load, workload=workload, fixed={}))


def _of(environment: Environment, sizing: Sizing, server: Server = TGI) -> Environment:
    """Return an environment with the numbers of another load, under a server."""
    profile = replace(sizing.load.profile, server=server.name)
    sizing = Sizing(replace(sizing.load, profile=profile))
    return replace(
        environment,
        model=environment.model.served_by(server).admitting(sizing.max_concurrent_requests),
        scaling=TargetTracking.sized(sizing),
        sizing=sizing,
        api=replace(
            environment.api,
            clients=(Client.sized(sizing, name="Demo"),),
            hosting=cheapest_hosting(sizing),
        ),
    )


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_plan_of_a_declared_load_has_table_cost_and_picture(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.plan(name)
    said = capsys.readouterr().out
    for subject in ("target, in flight", "MAX_CONCURRENT_REQUESTS", "measured: doubt"):
        assert f"\n{subject}" in said
    assert "this plan" in said
    assert "a million tokens" in said
    picture = (folder / "build/plan" / f"{name}.svg").read_text()
    assert picture.startswith("<?xml")


@pytest.mark.parametrize("name", ["local", "cpu"])
def test_plan_without_a_declared_load_says_what_is_chosen(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.plan(name)
    said = capsys.readouterr().out
    assert said.startswith(f"{name} declares no load: its numbers are chosen")
    assert "target, in flight" in said


def test_picture_of_a_plan_is_always_the_same(folder: Path) -> None:
    pictures = []
    for _ in range(2):
        verb.plan("dev")
        pictures.append((folder / "build/plan/dev.svg").read_bytes())
    assert pictures[0] == pictures[1]


def test_fixed_number_is_told_with_its_reason_and_what_was_derived() -> None:
    rows = {row.subject: row for row in table._fleet(loads.prod())}
    assert rows["minimum instances"].value == "2"
    assert rows["minimum instances"].reason.startswith("fixed: one instance may fail")
    assert rows["minimum instances"].reason.endswith("(derived: 1)")


def test_parts_of_the_cost_add_up() -> None:
    sizing = loads.prod()
    found = {
        row.subject: float(row.value.split()[0].replace(",", ""))
        for row in costs(sizing, OnDemand(), simulated(sizing))
    }
    parts = sum(dollars for name, dollars in found.items() if name.startswith("- "))
    assert parts == pytest.approx(found[PLAN], abs=3)


def test_unknown_price_ends_the_verb_and_names_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sagemaker_llm.sizing.prices.INSTANCE_HOUR", {})
    with pytest.raises(SystemExit, match=r"the price of ml\.g5\.2xlarge must be in INSTANCE_HOUR"):
        verb.plan("dev")


def test_plan_compares_hostings_of_the_proxy_at_three_loads() -> None:
    rows = {row[0]: row[1:] for row in hosting.by_load(loads.prod(), OnDemand(memory_mib=1024))}
    assert list(rows["requests/s at the peak"]) == ["0.5", "5", "50"]
    before = [float(each.split()[0]) for each in rows["proxy, on demand, 1024 MiB"]]
    after = [float(each.split()[0]) for each in rows["proxy, on demand, 256 MiB"]]
    managed = [
        float(each.split()[0])
        for name, parts in rows.items()
        if name.startswith("proxy, managed instances")
        for each in parts
    ]
    assert all(new < old / 3.5 for new, old in zip(after, before, strict=True))
    assert managed[0] > after[0]
    assert managed[2] < after[2]
    rest = sum(float(rows[name][2]) for name in ("instances", "API Gateway", "logs"))
    assert float(rows["total, cheapest proxy"][2]) == pytest.approx(rest + managed[2], abs=0.002)


@pytest.mark.parametrize(("peak", "columns"), [(220.0, 3), (250.0, 3), (2100.0, 2)])
def test_plan_of_a_large_fleet_looks_at_no_more_than_the_largest_serves(
    peak: float, columns: int
) -> None:
    rows = [*hosting.by_load(_sized(peak), OnDemand())]
    assert {len(row) for row in rows} == {columns + 1}
    rates = [float(each) for each in rows[0][1:]]
    assert rates[:2] == [peak / 10, peak]
    assert all(peak < most < 10 * peak for most in rates[2:])


def test_plan_of_a_large_fleet_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    large = _of(prod(account=None, region=None), _sized(250.0))
    monkeypatch.setattr(app, "environment_of", lambda _name: large)
    verb.plan("prod")
    said = capsys.readouterr().out
    assert "(or as much of it as 1,000 instances serve" in said
    assert "build/plan/prod.svg shows" in said


def _limits(environment: Environment) -> dict[str, PlanRow]:
    assert environment.sizing
    found = (
        *limits.limits(environment, environment.sizing),
        *limits.alarms(environment, environment.sizing),
    )
    return {row.subject: row for row in found}


def test_plan_says_that_a_server_queues_what_it_does_not_refuse() -> None:
    environment = prod(account=None, region=None)
    refuses = _limits(environment)
    queues = _limits(_of(environment, loads.prod(), VLLM))
    assert refuses["Retry-After"].value == "10 s"
    assert "Retry-After" not in queues
    assert queues["beyond them"].reason.startswith("vLLM queues them and refuses none")
    assert queues["alarm: refused"].reason.startswith("silent: vLLM refuses nothing")
    assert refuses["alarm: refused"].reason == "the share that may miss the promise"
    assert refuses["proxy's executions"].reason.endswith("headroom for refused requests")
    assert queues["proxy's executions"].reason.endswith("headroom for requests that wait")


def test_plan_says_what_bounds_the_proxys_streams() -> None:
    environment = prod(account=None, region=None)
    api = environment.api
    holds = "100 that the largest fleet admits"

    def row(api: ApiSettings) -> PlanRow:
        return limits.executions(replace(environment, api=api))

    assert row(api).value == "120"
    assert row(api).reason == f"{holds}, plus headroom for refused requests"
    chosen = row(replace(api, reserved_concurrency=150))
    assert (chosen.value, chosen.reason) == ("150", f"chosen, beside the {holds}")
    none = row(replace(api, reserved_concurrency=Reservation.NONE))
    assert (none.value, "headroom" in none.reason) == ("the account's", False)
    managed = row(replace(api, hosting=ManagedInstances(max_environments=6)))
    assert (managed.subject, managed.value) == ("proxy's streams", "at most 384")
    assert managed.reason.startswith(f"6 environments, 64 each, beside the {holds}")


def test_plan_says_which_times_follow_from_the_load() -> None:
    rows = _limits(prod(account=None, region=None))
    assert rows["clients' time limit"].value == "above 17 s"
    assert rows["timeouts"].value == "480, 490, 500 s"


@pytest.mark.parametrize("first", [2.0, None])
def test_picture_shows_the_promised_percentile_beside_the_promise(first: float | None) -> None:
    sizing = loads.prod()
    objective = replace(sizing.load.objective, time_to_first_token_seconds=first)
    day = simulated(Sizing(replace(sizing.load, objective=objective)))[PLAN]
    figure = Figure()
    picture._latency(figure.subplots(), objective, day)
    tokens, beside = figure.axes
    latencies, promise = tokens.lines
    assert tokens.get_ylabel() == "ms a token, p99"
    assert latencies.get_ydata() == pytest.approx(60 * day.token_percentile(0.99, 60))
    assert promise.get_ydata() == pytest.approx([60, 60])
    assert beside.get_visible() is (first is not None)
    if first is not None:
        # One line at one height: both axes show the same part of their promise.
        assert tokens.get_ylim()[1] / 60 == pytest.approx(beside.get_ylim()[1] / first)
        assert beside.get_ylabel() == "s to first token, p99"
        (firsts,) = beside.lines
        assert firsts.get_ydata() == pytest.approx(2 * day.first_token_percentile(0.99, 60))


def test_plan_says_what_a_hosting_that_is_fixed_costs_more_than() -> None:
    environment = prod(account=None, region=None)
    assert environment.sizing
    (row,) = (r for r in limits.limits(environment, environment.sizing) if "hosting" in r.subject)
    assert (row.value, row.reason) == ("on demand, 256 MiB", "the cheapest at the declared load")
    fixed = replace(environment, api=replace(environment.api, hosting=OnDemand(memory_mib=512)))
    (row,) = (r for r in limits.limits(fixed, environment.sizing) if "hosting" in r.subject)
    assert row.reason == "fixed: on demand, 256 MiB would cost less"


def test_plan_prices_no_hosting_at_a_load_that_it_does_not_hold() -> None:
    busy = _sized(400.0)
    rows = {row[0]: row[1:] for row in hosting.by_load(busy, ManagedInstances.sized(busy))}
    (managed,) = (parts for name, parts in rows.items() if "managed instances" in name)
    assert managed[2] == "too small"
    assert "too small" not in managed[:2]
