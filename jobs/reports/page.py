"""A report as one HTML file that needs nothing else: no script, no font, no link."""

from collections.abc import Iterable, Sequence
from html import escape

from matplotlib.figure import Figure

from reports.plots import as_svg

_STYLE = """
:root { color-scheme: light dark; --line: #d8dce3; }
@media (prefers-color-scheme: dark) { :root { --line: #3a404b; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.wide { overflow-x: auto } figure { margin: 0 } svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: right; vertical-align: top; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line) }
th:first-child, td:first-child, .texts th, .texts td { text-align: left }
.texts table { width: 100%; table-layout: fixed }
.texts td { white-space: pre-wrap; overflow-wrap: anywhere }
"""


def page(title: str, sections: Sequence[str]) -> str:
    """Return the whole page: its title, then its sections as HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(sections) + "\n</body>\n</html>\n"
    )


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def section(title: str, *parts: str) -> str:
    """Return parts under a heading."""
    return "\n".join([f"<h2>{escape(title)}</h2>", *parts])


def picture(drawn: Figure) -> str:
    """Return a plot."""
    return f"<figure>{as_svg(drawn)}</figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "wide") -> str:
    """Return a table of figures; its kind is `texts` where the cells are texts."""
    body = "".join(_row("td", row) for row in rows)
    shown = f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"
    return f'<div class="{kind}">{shown}</div>'


def markdown_table(text: str) -> str:
    """Return a table of Markdown as one of HTML, which scrolls where it is too wide."""
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n")
    ]
    return table(head, rows)


def _row(cell: str, texts: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>"
