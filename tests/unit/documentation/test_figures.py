"""The figures of the security model and of the guide are those that follow from the load."""

import json

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from documentation.commands.reading import ROOT
from operate.plan.hosting import by_load
from sagemaker_llm import OnDemand, published_profile
from sagemaker_llm.api.concurrency import reserved_concurrency
from stacks import environments, loads

# Of the table of docs/sizing.md, as the plan names them.
_COSTS = {
    "instances": "instances",
    "proxy before: on demand, 1,024 MiB": "proxy, on demand, 1024 MiB",
    "proxy on demand, 256 MiB": "proxy, on demand, 256 MiB",
    "the same with SnapStart": "proxy, on demand, 256 MiB, SnapStart",
    "proxy on managed instances, c7g.large, 64 streams each": (
        "proxy, managed instances, c7g.large, 64 streams each"
    ),
    "API Gateway": "API Gateway",
    "logs": "logs",
    "total, cheapest proxy": "total, cheapest proxy",
}
_BEFORE = "all, before"


def test_the_security_model_has_prods_limits() -> None:
    prod = environments.prod(account=None, region=None)
    (limit,) = prod.api.limits.values()
    reserved = reserved_concurrency(prod.api, prod.max_concurrent_requests)
    slots = prod.model.limits.max_concurrent_requests
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    for figure in (
        f"| {prod.api.requests_per_address:,} requests |",
        f"| {reserved.authorizer} |",
        f"| {limit.rate:g} a second, {limit.burst} at once |",
        f"| {prod.scaling.max_instances} \N{MULTIPLICATION SIGN} {slots} |",
        f"| {reserved.proxy} |",
        f"`Prod`'s rate of {limit.rate:g} a",
        f"the endpoint's {prod.max_concurrent_requests} slots in"
        f" {prod.max_concurrent_requests / limit.rate:.0f} s",
    ):
        assert figure in page


def test_the_guide_says_what_prod_reserves() -> None:
    folder = ROOT / "tests/infrastructure/golden/prod"
    resources = [
        resource
        for file in folder.glob("*.json")
        for resource in json.loads(file.read_text(encoding="utf-8"))["Resources"].values()
    ]
    reserved = sum(
        each["Properties"].get("ReservedConcurrentExecutions", 0)
        for each in resources
        if each["Type"] == "AWS::Lambda::Function"
    )
    guide = (ROOT / "docs/guide/deploy.md").read_text(encoding="utf-8")
    assert f"`Prod` {reserved} of it" in guide


def test_the_table_of_costs_is_the_plans() -> None:
    plan = {row[0]: list(row[1:]) for row in by_load(loads.prod(), OnDemand(memory_mib=1024))}
    page = (ROOT / "docs/sizing.md").read_text(encoding="utf-8")
    told = {
        cells[0]: cells[1:]
        for line in page.replace("**", "").splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] in {*_COSTS, _BEFORE}
        and len(cells) == 4
    }
    before = told.pop(_BEFORE)
    assert told == {name: plan[row] for name, row in _COSTS.items()}
    parts = ("instances", "proxy, on demand, 1024 MiB", "API Gateway", "logs")
    for column, total in enumerate(before):
        added = sum(float(plan[part][column].split()[0]) for part in parts)
        assert float(total) == pytest.approx(added, abs=0.002)  # of rounded parts


def test_the_benchmarks_say_what_another_memory_would_cost() -> None:
    plan = {row[0]: row[2] for row in by_load(loads.prod(), OnDemand(memory_mib=512))}
    shares = [
        plan[f"proxy, on demand, {size} MiB"].split("(")[1].rstrip("%)") for size in (512, 256)
    ]
    page = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert f"{shares[0]} % of `Prod`'s cost instead of {shares[1]}." in page


def test_the_pages_say_how_many_users_the_published_profile_loses() -> None:
    idle = f"{100 * loads.prod().load.profile.idle_users:.0f} % of"
    assert f"by its median, {idle} all its users" in (ROOT / "docs/sizing.md").read_text("utf-8")
    assert published_profile.__doc__
    assert f"By its median {idle} the" in published_profile.__doc__
