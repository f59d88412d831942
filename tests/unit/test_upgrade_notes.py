"""The upgrade notes: each claim names what shows it, and that is there."""

import re

from operate.cdk_cli import ROOT

_NOTES = (ROOT / "docs" / "upgrading.md").read_text()


def test_what_shows_a_claim_is_there() -> None:
    shown_by = re.findall(r"`((?:embedded_aws/)?tests/\S+?\.py)`", _NOTES)
    assert len(shown_by) >= 6
    assert [path for path in shown_by if not (ROOT / path).is_file()] == []


def test_the_last_runs_table_has_no_failure() -> None:
    table = _NOTES.partition("<!-- make upgrades -->")[2].partition("<!-- end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert len(rows) >= 10
    assert {(row[4], row[5]) for row in rows} == {("0", "0")}
