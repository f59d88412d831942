"""Templates that a person has reviewed, kept to show every change."""

import json
import re
from typing import Any

import pytest

from tests.infrastructure.assembly import ROOT

_GOLDEN = ROOT / "tests" / "infrastructure" / "golden"


def check_reviewed(
    environment: str, stack: str, body: dict[str, Any], config: pytest.Config
) -> None:
    """Compare a template with the one that was reviewed, or write that with `--update-golden`."""
    file = _GOLDEN / environment.lower() / f"{stack.lower()}.json"
    synthesized = _masked(body)
    if config.getoption("--update-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(synthesized)
    assert synthesized.splitlines() == file.read_text().splitlines(), "see `make golden`"


def _masked(body: dict[str, Any]) -> str:
    """Return a template without the hashes of what it shows itself, or of code."""
    text = json.dumps(body, indent=1, sort_keys=True) + "\n"
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version>", text)
    text = re.sub(r'"[0-9a-f]{16}"', '"<digest>"', text)
    return re.sub(r"[0-9a-f]{64}\.(zip|gz)", r"<asset>.\1", text)
