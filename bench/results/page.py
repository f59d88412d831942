"""A run's report."""

from bench.results import plots
from bench.results.plots import Cells
from bench.results.store import Run
from bench.results.table import details, published_form
from reports.page import markdown_table, page, paragraph, picture, section


def render_page(run: Run, cells: Cells) -> str:
    """Return the whole page."""
    figures = [cell for cell, _ in cells]
    answered = [(cell, recorded) for cell, recorded in cells if cell.answered]
    sections = [paragraph(_conditions(run)), markdown_table(published_form(figures))]
    if answered:
        sections += [
            section("Throughput and latency", picture(plots.throughput_and_latency(answered))),
            section("First token and objective", picture(plots.first_token(answered))),
            section("Latency distribution", picture(plots.latency_distribution(answered))),
            section("Timelines", *(picture(plots.timeline(*cell)) for cell in answered)),
        ]
    sections.append(section("Every figure", markdown_table(details(figures))))
    return page(f"Benchmark of {run.options.target}", sections)


def _conditions(run: Run) -> str:
    options = run.options
    return (
        f"{options.tokens} output tokens asked for. Each cell: {options.warm_up:g} s of warm-up,"
        f" then at least {options.seconds:g} s and {options.requests} requests (two for each user)."
        " Figures are of the requests that ended in the shaded window. Objective: first token in"
        f" {options.max_time_to_first_token * 1000:g} ms, then at most"
        f" {options.max_inter_token_latency * 1000:g} ms a token. Seed {options.seed}."
    )
