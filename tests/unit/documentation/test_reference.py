"""The reference pages are what the code says now, and the records are listed."""

import re
from pathlib import Path

import pytest

from documentation.pages import PAGES
from documentation.sources import field_comments

_DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", [*PAGES])
def test_reference_page_is_current(name: str) -> None:
    assert (_DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference`"


def test_comments_above_and_beside_a_field_are_its_description() -> None:
    assert field_comments(_Declared) == {
        "bare": "",
        "above": "What stands above, in two lines.",
        "beside": "What stands beside",
    }


class _Declared:
    bare: int
    # what stands above,
    # in two lines.
    above: int
    beside: int = 1  # what stands beside


def test_every_decision_is_listed_by_its_title() -> None:
    rows = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$",
        (_DOCS / "decisions/README.md").read_text(),
        re.MULTILINE,
    )
    listed = {(name, f"# {number}: {title}") for number, name, title in rows}
    records = (_DOCS / "decisions").glob("[0-9]*.md")
    assert listed == {(each.name, each.read_text().splitlines()[0]) for each in records}
