"""The role that deploys, in the CLI's own bootstrap template, judged by ministack's evaluator."""

from typing import Any

import pytest

from operate.account import toolkit
from operate.cdk_cli import run_cdk
from tests.infrastructure.deployment_calls import PLACE
from tests.infrastructure.execution_policy import filled_in, is_allowed

_OURS = ("Dev-Api", "Dev-Serving", "Dev-Weights")
_OTHERS = ("Prod-Api", "Delivery", "Devs-Api", "Billing", "Dev-Bootstrap", "Dev-CDKToolkit")


@pytest.fixture
def template() -> Any:
    return toolkit.shown(run_cdk)


def _statements(template: Any) -> list[Any]:
    (policy,) = template["Resources"]["DeploymentActionRole"]["Properties"]["Policies"]
    assert policy["PolicyName"] == toolkit.POLICY
    found: list[Any] = filled_in(policy["PolicyDocument"]["Statement"])
    return found


def test_who_deploys_writes_the_stacks_of_its_environment_and_no_others(template: Any) -> None:
    before = _statements(template)
    writes = {
        action
        for statement in before
        for action in statement["Action"]
        if action.startswith("cloudformation:")
    }
    assert {"cloudformation:UpdateStack", "cloudformation:ExecuteChangeSet"} < writes
    toolkit.narrow(template, "Dev")
    after = _statements(template)

    def may(statements: list[Any], action: str, stack: str) -> bool:
        arn = f"arn:aws:cloudformation:{PLACE}:stack/{stack}/0a1b2c3d"
        return is_allowed(statements, action, arn, {})

    for action in writes:
        assert [each for each in _OURS if not may(after, action, each)] == [], action
        assert [each for each in _OTHERS if may(after, action, each)] == [], action
        assert not is_allowed(after, action, "*", {}), action
        assert all(may(before, action, each) for each in _OTHERS)
    assert not toolkit.is_wide({"Statement": after})
    assert toolkit.is_wide({"Statement": before})


def test_nothing_else_of_the_cdks_template_changes(template: Any) -> None:
    ours = toolkit.shown(run_cdk)
    toolkit.narrow(ours, "Dev")
    kept = [each for each in template["Resources"] if each != "DeploymentActionRole"]
    assert all(ours["Resources"][each] == template["Resources"][each] for each in kept)
    assert {k: v for k, v in ours.items() if k != "Resources"} == {
        k: v for k, v in template.items() if k != "Resources"
    }
