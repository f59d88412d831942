"""What the evaluations say of answerers whose accuracy is known: `python -m bench.recall.known`.

Prints the table; with a path, draws the picture too.
"""

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bench.recall.answerers import Guesser, Reader, without_the_middle
from bench.results.table import markdown
from recall.measure import Answerer, Retrieval, measure_retrieval
from recall.tasks import TASKS
from reports import plots

# In characters, which are these answerers' tokens: about the card's lengths.
LENGTHS = (12_000, 24_000, 48_000)
_TRIALS, _SEED = 50, 7


@dataclass(frozen=True)
class Known:
    """An answerer, and how often it is right by task."""

    name: str
    answerer: Answerer
    accuracy: Mapping[str, float]


def known_answerers() -> list[Known]:
    """Return one that is always right, one that forgets a place, and one that guesses."""
    two_thirds = 2 / 3
    return [
        Known("perfect", Reader(), dict.fromkeys((task.name for task in TASKS), 1.0)),
        Known(
            "forgets the middle third",
            Reader(without_the_middle),
            {"topic": 1.0, "line": two_thirds, "pass key": two_thirds, "document": two_thirds},
        ),
        Known(
            "guesses",
            Guesser(random.Random(_SEED)),  # noqa: S311 - repeatable, not secret
            {"topic": 0.0, "line": 0.0, "pass key": 0.0, "document": 0.25},
        ),
    ]


def measure_all() -> list[tuple[Known, list[Retrieval]]]:
    """Ask them all."""
    return [
        (known, list(measure_retrieval(known.answerer, TASKS, LENGTHS, _TRIALS, _SEED)))
        for known in known_answerers()
    ]


def known_table(measured: Sequence[tuple[Known, Sequence[Retrieval]]]) -> str:
    """Return what each is known to know, and what was measured with its interval."""
    head = ["answerer", "task", "known", *(f"{length:,} characters" for length in LENGTHS)]
    rows = [
        [
            known.name,
            task.name,
            f"{known.accuracy[task.name]:.0%}",
            *(_shown(each) for each in outcomes if each.task == task.name),
        ]
        for known, outcomes in measured
        for task in TASKS
    ]
    return markdown(head, rows)


def known_picture(measured: Sequence[tuple[Known, Sequence[Retrieval]]]) -> Figure:
    """A plot for each task: what was measured, and what is known, dashed."""
    with plots.figure(len(TASKS)) as (drawn, all_axes):
        for axes, task in zip(all_axes, TASKS, strict=True):
            for colour, (known, outcomes) in zip(plots.COLOURS, measured, strict=False):
                row = [each for each in outcomes if each.task == task.name]
                plots.accuracies(axes, row, colour, known.name)
                axes.axhline(100 * known.accuracy[task.name], color=colour, ls="--", alpha=0.5)
            axes.set_xlabel(f"{task.name}: characters of the prompt")
        all_axes[0].legend(frameon=False, labelcolor=plots.TEXT, fontsize=8)
    return drawn


def _shown(each: Retrieval) -> str:
    low, high = each.interval
    return f"{each.accuracy:.0%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    found = measure_all()
    print(known_table(found))
    for path in sys.argv[1:]:
        plots.save_png(known_picture(found), Path(path))
