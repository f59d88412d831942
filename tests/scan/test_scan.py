"""checkov and cloudsplaining over every environment, with no unexplained finding."""

from collections import Counter

from tests.infrastructure.assembly import ENVIRONMENTS
from tests.scan.conftest import Scan


def test_every_finding_is_acknowledged_on_its_resource(scan: Scan) -> None:
    for scanner, findings in scan.found.items():
        count = Counter(finding.environment for finding in findings)
        shown = ", ".join(f"{environment} {count[environment]}" for environment in ENVIRONMENTS)
        print(f"\n{scanner} finds: {shown}", end="")
    assert [f"{finding.rule} on {finding.path}" for finding in scan.verdict.unexplained] == []


def test_every_acknowledgement_answers_a_finding(scan: Scan) -> None:
    assert [f"{unused.rule} on {unused.path}" for unused in scan.verdict.unused] == []
