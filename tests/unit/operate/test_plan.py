"""`make plan`: each number with its reason, the day's cost, and a picture; nobody is asked."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

# Before numba is imported: compiling a simulation of minutes takes longer than it does.
os.environ["NUMBA_DISABLE_JIT"] = "1"

from operate.plan import hosting, table
from operate.plan import plan as verb
from operate.plan.days import PLAN, costs, simulated
from sagemaker_llm import OnDemand
from simulation import days
from stacks import loads
from stacks.environments import prod


@pytest.fixture(name="folder", autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    short = np.full(600, 0.5)
    monkeypatch.setattr(days, "declared", lambda _workload: short)
    return tmp_path


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


def test_plan_says_what_a_hosting_that_is_fixed_costs_more_than() -> None:
    environment = prod(account=None, region=None)
    assert environment.sizing
    (row,) = (r for r in table._limits(environment, environment.sizing) if "hosting" in r.subject)
    assert (row.value, row.reason) == ("on demand, 256 MiB", "the cheapest at the declared load")
    fixed = replace(environment, api=replace(environment.api, hosting=OnDemand(memory_mib=512)))
    (row,) = (r for r in table._limits(fixed, environment.sizing) if "hosting" in r.subject)
    assert row.reason == "fixed: on demand, 256 MiB would cost less"
