"""Writes the reference pages anew: `make reference`."""

from pathlib import Path

from documentation.pages import PAGES

for _name, _written in PAGES.items():
    (Path(__file__).parents[1] / "docs" / _name).write_text(_written(), encoding="utf-8")
