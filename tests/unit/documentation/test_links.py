"""The pages beside the site link to files and headings that exist; `make docs` checks the site."""

import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from documentation.commands.reading import ROOT

_PAGES = ("README.md", "CONTRIBUTING.md", "constructs/README.md", "embedded_aws/README.md")
_LINK = re.compile(r"\]\((?![a-z]+:)([^)\s#]*)#?([^)\s]*)\)")


def _anchors(text: str) -> set[str]:
    """Return the headings' anchors, as GitHub makes them."""
    tokens = MarkdownIt("commonmark").parse(text)
    headings = [
        inline.content for opened, inline in pairwise(tokens) if opened.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", _PAGES)
def test_each_link_of_a_page_leads_somewhere(page: str) -> None:
    dead = []
    for name, anchor in _LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        target = (ROOT / page).parent / name if name else ROOT / page
        exists = target.exists()
        if exists and anchor:
            exists = anchor in _anchors(target.read_text(encoding="utf-8"))
        if not exists:
            dead.append(f"{name}#{anchor}")
    assert dead == []
