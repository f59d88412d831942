"""The recall of a stage as a table, a plot and a page, beside what MistralLite's card says."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from bench.recall.run import Outcome, Refused
from bench.results.table import markdown
from recall.measure import Retrieval
from recall.tasks import TASKS
from reports import plots
from reports.page import markdown_table, page, picture

_CARD = {task.name: task.card for task in TASKS}
_HEAD = (
    "task", "tokens", "right", "accuracy", "95 % interval",
    "card: Mistral-7B-Instruct-v0.1", "card: MistralLite",
)  # fmt: skip


def write_recall(folder: Path, target: str, outcomes: Sequence[Outcome]) -> Path:
    """Write everything; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    table = recall_table(outcomes)
    stored = {"target": target, "outcomes": [asdict(outcome) for outcome in outcomes]}
    (folder / "recall.json").write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    (folder / "recall.md").write_text(table + "\n", encoding="utf-8")
    sections = [markdown_table(table)]
    measured = [each for each in outcomes if isinstance(each, Retrieval)]
    if measured:
        drawn = accuracy_by_length(measured)
        plots.save_png(drawn, folder / "recall.png")
        sections.append(picture(drawn))
    path = folder / "recall.html"
    path.write_text(page(f"Recall of {target}", sections), encoding="utf-8")
    return path


def recall_table(outcomes: Sequence[Outcome]) -> str:
    """Return a row for each task and length; the card's own lengths are the nearest ones."""
    return markdown(_HEAD, [_row(outcome) for outcome in outcomes])


def accuracy_by_length(measured: Sequence[Retrieval]) -> Figure:
    """A plot for each task: accuracy with its interval, and the card's two models."""
    names = list(dict.fromkeys(each.task for each in measured))
    with plots.figure(len(names)) as (drawn, all_axes):
        for axes, name in zip(all_axes, names, strict=True):
            row = [each for each in measured if each.task == name]
            plots.accuracies(axes, row, plots.COLOURS[0], "measured")
            for place, label in ((1, "Mistral-7B-Instruct-v0.1"), (2, "MistralLite")):
                card = _CARD.get(name, ())
                axes.plot(
                    [at[0] for at in card], [100 * at[place] for at in card], "--",
                    color=plots.COLOURS[place], label=f"{label} (card)", alpha=0.8,
                )  # fmt: skip
            axes.set_xlabel(f"{name}: tokens of the prompt")
        all_axes[0].legend(frameon=False, labelcolor=plots.TEXT, fontsize=8)
    return drawn


def describe(outcome: Outcome) -> str:
    """Return a line about an outcome, for the terminal."""
    if isinstance(outcome, Refused):
        return f"{outcome.task}, {outcome.tokens} tokens: refused, {outcome.reason}"
    return f"{outcome.task}, {outcome.tokens} tokens: {outcome.right} of {outcome.asked} right"


def _row(outcome: Outcome) -> list[str]:
    if isinstance(outcome, Refused):
        return [outcome.task, str(outcome.tokens or "-"), "-", outcome.reason, "-", "-", "-"]
    low, high = outcome.interval
    card = _nearest(outcome)
    return [
        outcome.task,
        str(outcome.tokens),
        f"{outcome.right} of {outcome.asked}",
        f"{outcome.accuracy:.0%}",
        f"{low:.0%} to {high:.0%}",
        *card,
    ]


def _nearest(outcome: Retrieval) -> tuple[str, str]:
    """Return what the card says of the nearest length, and that length where it is another."""
    card = _CARD.get(outcome.task, ())
    if not card:
        return "-", "-"
    at, instruct, lite = min(card, key=lambda row: abs(row[0] - outcome.tokens))
    where = "" if at == outcome.tokens else f" at {at}"
    return f"{instruct:.0%}{where}", f"{lite:.0%}{where}"
