"""checkov and cloudsplaining over every environment, with no unexplained finding."""

import json
from collections import Counter

from tests.infrastructure.assembly import ENVIRONMENTS, ROOT, Template
from tests.scan import checkov, exposures
from tests.scan.conftest import Scan


def test_every_finding_is_acknowledged_on_its_resource(scan: Scan) -> None:
    for scanner, findings in scan.found.items():
        count = Counter(finding.environment for finding in findings)
        shown = ", ".join(f"{environment} {count[environment]}" for environment in ENVIRONMENTS)
        print(f"\n{scanner} finds: {shown}", end="")
    assert [f"{finding.rule} on {finding.path}" for finding in scan.verdict.unexplained] == []


def test_every_acknowledgement_answers_a_finding(scan: Scan) -> None:
    assert [f"{unused.rule} on {unused.path}" for unused in scan.verdict.unused] == []


def test_bootstrap_has_no_finding_but_the_login_of_the_boundary() -> None:
    """Image pulls begin with it; a boundary allows no more than what the roles' policies do."""
    files = [ROOT / "bootstrap" / f"{environment.lower()}.json" for environment in ENVIRONMENTS]
    templates = [Template(file.stem, file, json.loads(file.read_text())) for file in files]
    assert checkov.check(templates) == []
    login = "Cloudsplaining::CredentialsExposure[ecr:GetAuthorizationToken]"
    assert set(exposures.check(templates)) == {(f"{t.stack}/Boundary", login) for t in templates}
