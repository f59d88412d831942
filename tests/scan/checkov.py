"""Runs checkov over templates, offline."""

import json
import subprocess
from collections.abc import Sequence

from tests.infrastructure.assembly import ROOT, Template
from tests.scan.findings import Finding

_CHECKOV = ROOT / ".venv-scan" / "bin" / "checkov"


def check(templates: Sequence[Template]) -> list[Finding]:
    """Return every failed check; raises SystemExit when checkov could not read a template."""
    by_path = {str(template.path): template for template in templates}
    # Its search for secrets judges entropy, and takes `mistral-v1` for one: it stays out. The rules
    # for CloudFormation look for keys where functions would have them.
    command = [
        *(str(_CHECKOV), "--framework", "cloudformation", "--skip-download"),
        *("--compact", "--quiet", "--output", "json", "--file", *by_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        raise SystemExit(f"checkov failed: {done.stdout}{done.stderr}")
    report = json.loads(done.stdout)
    if report["summary"]["parsing_errors"]:
        raise SystemExit(f"checkov cannot read a template: {done.stderr}")
    return [
        Finding(
            by_path[failed["file_abs_path"]].paths[failed["resource"].rpartition(".")[2]],
            f"Checkov::{failed['check_id']}",
        )
        for failed in report["results"]["failed_checks"]
    ]
