"""The environments of a rehearsal: small ones of those that are declared, with each edit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.changes import CHANGES, Change
from sagemaker_llm import FunctionTarget
from stacks import environments
from stacks.environment import Environment

_APP = Path(__file__).parents[3] / "rehearsal" / "small_app.py"
_DECLARED: dict[str, Callable[..., Environment]] = {
    "Dev": environments.dev,
    "Staging": environments.staging,
    "Prod": environments.prod,
}


def _small(change: Change) -> dict[str, Environment]:
    """Return the environments of the app after an edit."""
    text = _APP.read_text()
    edited = text.replace(change.before, change.after) if change.before else text
    module: dict[str, Any] = {"__name__": "edited"}
    exec(compile(edited, str(_APP), "exec"), module)  # noqa: S102 - our own app
    place = {"account": "111111111111", "region": "us-east-1"}
    return {name: module["small"](name, make(**place)) for name, make in _DECLARED.items()}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.title)
def test_every_change_can_be_configured(change: Change) -> None:
    assert set(_small(change)) == set(_DECLARED)


def test_what_is_rehearsed_is_the_declared_environment_but_for_its_model() -> None:
    for name, found in _small(CHANGES[0]).items():
        declared = _DECLARED[name](account="111111111111", region="us-east-1")
        assert found.function_target is FunctionTarget.LOCAL
        for kept in ("instance_type", "termination_protection", "log_keeping", "image"):
            assert getattr(found, kept) == getattr(declared, kept), kept
        assert found.scaling.min_instances == declared.scaling.min_instances
        assert found.updates.chosen(found.scaling) is declared.updates.chosen(declared.scaling)


def test_only_the_environments_that_must_stop_a_change_are_changed_by_it() -> None:
    first, *others = (_small(change) for change in CHANGES)
    changed = [[name for name in first if first[name] != other[name]] for other in others]
    everywhere = ["Dev", "Staging", "Prod"]
    assert changed == [everywhere, everywhere, ["Staging", "Prod"], ["Prod"]]
