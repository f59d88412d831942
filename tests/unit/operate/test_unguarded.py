"""Deployments that no alarm undoes: what they set, and what none of them touches."""

from typing import Any

import pytest

from operate.releases.unguarded import of_deployment
from tests.unit.operate.doubles import Stacks, environment

Json = dict[str, Any]

_TEMPLATE: Json = {
    "Parameters": {"Unguarded": {"Type": "String", "Default": ""}},
    "Outputs": {"EndpointDigest": {"Value": "new"}},
}
_OLDER: Json = {"Parameters": {"ModelPackageArn": {"Type": "String"}}, "Outputs": {}}


def _values(deployed: Stacks, *, unguarded: bool, template: Json = _TEMPLATE) -> dict[str, str]:
    templates = {"Prod-Serving": template}
    return dict(of_deployment(environment(), deployed, templates, unguarded=unguarded))


def _serving(unguarded: str = "", **digest: str) -> Stacks:
    return Stacks({"Serving": digest}, Unguarded=unguarded)


@pytest.mark.parametrize("deployed", [_serving(EndpointDigest="old"), _serving()])
def test_another_endpoint_is_guarded_unless_it_shall_not_be(deployed: Stacks) -> None:
    assert _values(deployed, unguarded=True) == {"Unguarded": "new"}
    assert _values(deployed, unguarded=False) == {}


def test_a_deployment_is_guarded_also_of_what_was_returned_to_before() -> None:
    deployed = _serving("new", EndpointDigest="old")
    assert _values(deployed, unguarded=False) == {"Unguarded": ""}
    assert _values(deployed, unguarded=True) == {}


@pytest.mark.parametrize("unguarded", [True, False])
def test_the_same_endpoint_keeps_what_it_was_deployed_with(*, unguarded: bool) -> None:
    # Without another fleet, an update of the guard alone could replace the instances.
    assert _values(_serving(EndpointDigest="new"), unguarded=unguarded) == {}


def test_a_first_deployment_has_nothing_to_undo_it() -> None:
    assert _values(Stacks({}), unguarded=True) == {}


def test_an_older_template_is_deployed_as_it_is_and_says_what_that_means(
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployed = _serving(EndpointDigest="new")
    assert _values(deployed, unguarded=False, template=_OLDER) == {}
    assert capsys.readouterr().out == ""
    assert _values(deployed, unguarded=True, template=_OLDER) == {}
    said = capsys.readouterr().out
    assert "an alarm that rings undoes this update: once it has ended, run the same" in said


def test_an_assembly_of_other_environments_is_refused() -> None:
    with pytest.raises(SystemExit, match="must have the stack Prod-Serving, got Dev-Serving"):
        of_deployment(environment(), Stacks({}), {"Dev-Serving": _TEMPLATE}, unguarded=False)
