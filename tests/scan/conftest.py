"""One synth, scanned once."""

from typing import NamedTuple

import pytest

from tests.infrastructure.assembly import Assembly
from tests.infrastructure.conftest import assembly as assembly  # noqa: PLC0414 - it is a fixture
from tests.infrastructure.conftest import (
    built_functions as built_functions,  # noqa: PLC0414 - likewise
)
from tests.scan import checkov, exposures
from tests.scan.findings import Finding, Verdict, judge


class Scan(NamedTuple):
    """What each scanner found, and what became of it."""

    found: dict[str, list[Finding]]
    verdict: Verdict


@pytest.fixture(scope="session")
def scan(assembly: Assembly) -> Scan:
    templates = list(assembly.templates())
    found = {"checkov": checkov.check(templates), "cloudsplaining": exposures.check(templates)}
    acknowledged = {
        Finding(path, rule): reason
        for (path, rule), reason in assembly.acknowledgements(of_synth=False).items()
    }
    return Scan(
        found, judge([finding for each in found.values() for finding in each], acknowledged)
    )
