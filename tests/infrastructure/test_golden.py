"""Shows every change of a template in review: `make golden` takes the changes over."""

import json
import re

import pytest

from bootstrap.stage import Stage
from bootstrap.template import template
from tests.infrastructure.assembly import ENVIRONMENTS, ROOT, Assembly

_GOLDEN = ROOT / "tests" / "infrastructure" / "golden"


def _masked(assembly: Assembly, environment: str) -> str:
    """Return an environment's templates; the hashes of assets change with every line of code."""
    templates = {
        each.stack: each.body
        for each in assembly.templates()
        if each.stack.startswith(f"{environment}/")
    }
    text = json.dumps(templates, indent=1, sort_keys=True) + "\n"
    return re.sub(r"[0-9a-f]{64}\.(zip|gz)", r"<asset>.\1", text)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_templates_are_as_reviewed(
    assembly: Assembly, environment: str, pytestconfig: pytest.Config
) -> None:
    file = _GOLDEN / f"{environment.lower()}.json"
    templates = _masked(assembly, environment)
    if pytestconfig.getoption("--update-golden"):
        file.write_text(templates)
    assert templates.splitlines() == file.read_text().splitlines(), "see `make golden`"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_bootstrap_is_as_reviewed(
    assembly: Assembly, environment: str, pytestconfig: pytest.Config
) -> None:
    """What deployments may do follows from the templates, and is reviewed with them."""
    file = ROOT / "bootstrap" / f"{environment.lower()}.json"
    written = json.dumps(template(Stage(environment, assembly.stacks(environment))), indent=1)
    if pytestconfig.getoption("--update-golden"):
        file.write_text(f"{written}\n")
    assert written.splitlines() == file.read_text().splitlines(), "see `make golden`"
