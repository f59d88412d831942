"""Measures every cell of a run, and writes what comes out after each of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.load.arrivals import Load
from bench.load.generator import Cell, Recorded, Snapshot, measure
from bench.load.prompts import prompts
from bench.load.targets import Target
from bench.results import plots
from bench.results.figures import Figures
from bench.results.page import render_page
from bench.results.plots import Cells
from bench.results.profile import write_profile
from bench.results.store import Run
from bench.results.table import details, published_form
from reports.plots import save_png

Watch = Callable[[int, Load, Snapshot], None]
Measured = Callable[[Figures], None]


async def run_cells(run: Run, target: Target, watch: Watch, measured: Measured) -> None:
    """Measure the cells that the run's folder lacks; a row ends with a cell that is given up."""
    done = []
    for words in run.options.words:
        for load in run.options.loads:
            recorded = run.load(words, load)
            if recorded is None:
                recorded = await _measure(run, target, words, load, watch)
                run.save(words, load, recorded)
            done.append(run.figures(words, load, recorded))
            write_results(run.folder, done)
            measured(done[-1])
            if recorded.stopped:
                break


async def _measure(run: Run, target: Target, words: int, load: Load, watch: Watch) -> Recorded:
    options = run.options
    seed = f"{options.seed}:{words}:{load}"
    cell = Cell(
        target=target,
        prompts=prompts(words, seed),
        tokens=options.tokens,
        load=load,
        limits=options.limits(load),
        disconnect_share=options.disconnect,
        seed=seed,
    )
    return await measure(cell, lambda snapshot: watch(words, load, snapshot))


def write_results(folder: Path, figures: Sequence[Figures]) -> None:
    """Write the profile and the tables of what has been measured."""
    write_profile(folder / "profile.csv", figures)
    tables = f"{published_form(figures)}\n\n{details(figures)}\n"
    (folder / "table.md").write_text(tables, encoding="utf-8")


def write_report(run: Run, cells: Cells) -> Path:
    """Write the report and its first picture; return the report's path."""
    report = run.folder / "report.html"
    report.write_text(render_page(run, cells), encoding="utf-8")
    answered = [(cell, recorded) for cell, recorded in cells if cell.answered]
    if answered:
        picture = plots.throughput_and_latency(answered)
        save_png(picture, run.folder / "report.png")
    return report
