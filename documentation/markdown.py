"""Tables and headings, as GitHub and the site read them."""

from collections.abc import Iterable, Sequence

WRITTEN = "<!-- `make reference` writes this page. -->"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar in a cell is escaped."""
    lines = [_row(header), _row(["---"] * len(header)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').strip() for cell in cells)} |"


def page(title: str, *parts: str) -> str:
    """Return a whole page that is written and not edited."""
    return "\n\n".join((f"# {title}", WRITTEN, *(part.strip() for part in parts))) + "\n"


def code(text: object) -> str:
    """Return a text as code, or nothing for nothing."""
    return f"`{text}`" if str(text) else ""
