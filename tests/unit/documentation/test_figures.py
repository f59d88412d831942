"""The figures of the security model and of the guide are those that follow from the load."""

import json

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from documentation.commands.reading import ROOT
from sagemaker_llm.api.concurrency import reserved_concurrency
from stacks import environments


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
