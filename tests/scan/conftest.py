"""One synth, scanned once."""

from typing import NamedTuple

import pytest

from tests.infrastructure.assembly import Assembly, synth
from tests.scan import checkov, exposures
from tests.scan.findings import Finding, Verdict, judge


class Scan(NamedTuple):
    """What each scanner found, and what became of it."""

    found: dict[str, list[Finding]]
    verdict: Verdict


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Synthesize all environments, without synth's own validator: `make test` runs that."""
    folder = tmp_path_factory.mktemp("cdk.out")
    done = synth(folder, settings={"CDK_VALIDATION": "false"})
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder)


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
