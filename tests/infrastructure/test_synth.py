"""Synth as a whole: the same everywhere, and without a finding of the validators."""

import filecmp
import json
import subprocess
import sys
from pathlib import Path

from tests.infrastructure.assembly import Assembly, synth

_REPORT = "validation-report.json"


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != _REPORT
    }


def test_synth_is_byte_identical_in_another_process(assembly: Assembly, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = tmp_path / "again"
    broken = tmp_path / "config"
    broken.write_text("[profile default\nthis is no = configuration")
    # The validators write a report and nothing else, so the second synth goes without.
    settings = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "PYTHONHASHSEED": "4711",
        "CDK_VALIDATION": "false",
        "TZ": "Asia/Tokyo",
        "USER": "x",
    }
    # With the option, Python reports what it imports.
    done = synth(again, cwd=elsewhere, settings=settings, options=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "sagemaker_llm.tuning.pipeline.steps.facts" in imported
    assert not imported & {"sagemaker", "boto3", "botocore"}
    files = _files(assembly.folder)
    assert files == _files(again)
    assert filecmp.cmpfiles(assembly.folder, again, files, shallow=False)[1:] == ([], [])


def test_security_rules_find_nothing_unexplained(assembly: Assembly) -> None:
    reports = json.loads((assembly.folder / _REPORT).read_text())["pluginReports"]
    (nag,) = (report for report in reports if report["pluginName"] == "AwsSolutions")
    assert (nag["conclusion"], nag["violations"]) == ("success", [])
    assert all(finding["reason"] for finding in nag["suppressedViolations"])


def test_every_acknowledgement_answers_a_finding(assembly: Assembly) -> None:
    reports = json.loads((assembly.folder / _REPORT).read_text())["pluginReports"]
    answered = {
        (finding["acknowledgedAt"], finding["acknowledgedId"])
        for report in reports
        for finding in report["suppressedViolations"]
    }
    assert assembly.acknowledgements(of_synth=True).keys() == answered


def test_templates_pass_cfn_lint(assembly: Assembly) -> None:
    templates = [str(template.path) for template in assembly.templates()]
    # W3005: CDK makes a function depend on its role in so many words, which the reference implies.
    cfn_lint = str(Path(sys.executable).parent / "cfn-lint")
    command = [cfn_lint, "--ignore-checks", "W3005", "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
