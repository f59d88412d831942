"""Synth as a whole: the same everywhere, and without a finding of the validators."""

import filecmp
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.infrastructure.assembly import Assembly, Template, synth
from tests.infrastructure.cfn_lint import findings

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
    templates = list(_with_all_properties(assembly.templates()))
    assert {template.stack.partition("/")[2] for template in templates} == {
        *("Api", "Serving", "Training", "Weights")
    }
    assert findings(template.path for template in templates) == []


def _with_all_properties(templates: Iterable[Template]) -> Iterator[Template]:
    """Leave out those that have no property, function or output that one before has not.

    The CDK's validator has checked the values in all of them.
    """
    seen: set[tuple[str, ...]] = set()
    for template in templates:
        paths = set(_paths(template.body))
        if paths - seen:
            seen |= paths
            yield template


def _paths(body: Any) -> Iterator[tuple[str, ...]]:
    for section, entries in body.items():
        for entry in entries.values() if isinstance(entries, dict) else ():
            kind = entry.get("Type", "") if isinstance(entry, dict) else ""
            yield from _below(entry, (section, kind))


def _below(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    match value:
        case dict():
            for name, each in value.items():
                yield from _below(each, (*path, name))
        case list():
            for each in value:
                yield from _below(each, path)
        case _:
            yield path
