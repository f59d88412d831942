"""Writes the reference pages, and draws the pictures that are not current: `make reference`."""

from pathlib import Path

from documentation.diagrams.picture import draw, is_drawn_from, texts
from documentation.pages import PAGES

for _name, _written in PAGES.items():
    (Path(__file__).parents[1] / "docs" / _name).write_text(_written(), encoding="utf-8")
for _path, _text in texts():
    if not is_drawn_from(_path, _text):
        draw(_path, _text)
