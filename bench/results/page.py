"""A run's report as one HTML file that needs nothing else: no script, no font, no link."""

from collections.abc import Sequence
from html import escape

from matplotlib.figure import Figure

from bench.results import plots
from bench.results.plots import Cells
from bench.results.store import Run
from bench.results.table import details, published_form

_STYLE = """
:root { color-scheme: light dark; --line: #d8dce3; }
@media (prefers-color-scheme: dark) { :root { --line: #3a404b; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.wide { overflow-x: auto } figure { margin: 0 } svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: right; vertical-align: top; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left }
"""


def render_page(run: Run, cells: Cells) -> str:
    """Return the whole page."""
    options = run.options
    figures = [cell for cell, _ in cells]
    answered = [(cell, recorded) for cell, recorded in cells if cell.answered]
    sections = [
        f"<h1>Benchmark of {escape(options.target)}</h1>",
        f"<p>{escape(_conditions(run))}</p>",
        table_as_html(published_form(figures)),
    ]
    if answered:
        sections += [
            _section("Throughput and latency", plots.throughput_and_latency(answered)),
            _section("First token and objective", plots.first_token(answered)),
            _section("Latency distribution", plots.latency_distribution(answered)),
            "<h2>Timelines</h2>",
            *(_picture(plots.timeline(*cell)) for cell in answered),
        ]
    sections += ["<h2>Every figure</h2>", table_as_html(details(figures))]
    return page_of("Benchmark", sections)


def page_of(title: str, sections: Sequence[str]) -> str:
    """Return a page in the style of all reports."""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def table_as_html(table: str) -> str:
    """Return a table of Markdown as one of HTML, which scrolls where it is too wide."""
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")
    ]
    body = "".join(_row("td", row) for row in rows)
    shown = f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{shown}</div>'


def _conditions(run: Run) -> str:
    options = run.options
    return (
        f"{options.tokens} output tokens asked for. Each cell: {options.warm_up:g} s of warm-up,"
        f" then at least {options.seconds:g} s and {options.requests} requests (two for each user)."
        " Figures are of the requests that ended in the shaded window. Objective: first token in"
        f" {options.max_time_to_first_token * 1000:g} ms, then at most"
        f" {options.max_inter_token_latency * 1000:g} ms a token. Seed {options.seed}."
    )


def _section(title: str, figure: Figure) -> str:
    return f"<h2>{escape(title)}</h2>\n{_picture(figure)}"


def _picture(figure: Figure) -> str:
    return f"<figure>{plots.as_svg(figure)}</figure>"


def _row(cell: str, texts: list[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>"
