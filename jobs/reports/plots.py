"""Plots in one style, as SVG that a page can hold."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "report",  # The same figures draw the same file.
    "svg.fonttype": "path",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#7b8494",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.35,
}
COLOURS = ("#0f8b8d", "#c8553d", "#5c6b8a", "#b08900", "#7a4fa3", "#3c7d3c")
TEXT = "#7b8494"  # legible on a light and on a dark page


class Accuracy(Protocol):
    """A share of right answers to prompts of a length, with its interval."""

    @property
    def tokens(self) -> int:
        """The length."""

    @property
    def accuracy(self) -> float:
        """The share."""

    @property
    def interval(self) -> tuple[float, float]:
        """What holds it with 95 % confidence."""


@contextmanager
def figure(columns: int, height: float = 3.4) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """Give a figure of so many plots in a row, in the style of all."""
    with style.context(_STYLE):
        drawn = Figure(figsize=(5.2 * columns, height), layout="constrained")
        axes = list(drawn.subplots(1, columns, squeeze=False)[0])
        yield drawn, axes
        for each in axes:
            each.tick_params(colors=TEXT)
            for label in (each.xaxis.label, each.yaxis.label):
                if label.get_color() == "black":
                    label.set_color(TEXT)


def accuracies(
    axes: Axes, row: Sequence[Accuracy], colour: str, label: str, *, width: float = 1.5
) -> None:
    """Draw accuracies by length, with their intervals."""
    axes.errorbar(
        [each.tokens for each in row],
        [100 * each.accuracy for each in row],
        [
            [100 * (each.accuracy - each.interval[0]) for each in row],
            [100 * (each.interval[1] - each.accuracy) for each in row],
        ],
        fmt="o-",
        linewidth=width,
        markersize=4 + width,
        color=colour,
        capsize=3,
        label=label,
    )
    axes.set_ylabel("right answers, %")
    axes.set_ylim(-3, 103)


def bars(axes: Axes, values: Mapping[str, float], colours: Iterable[str], form: str) -> None:
    """Draw horizontal bars from zero, each with its value, the first one on top."""
    drawn = axes.barh(list(values), list(values.values()), color=list(colours), height=0.55)
    axes.bar_label(drawn, [f"{value:{form}}" for value in values.values()], padding=4, color=TEXT)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")


def as_svg(drawn: Figure) -> str:
    """Return a figure as an svg element."""
    text = io.StringIO()
    with style.context(_STYLE):
        drawn.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def save_png(drawn: Figure, path: Path) -> None:
    """Write a figure as a picture on white, for a README."""
    with style.context(_STYLE):
        drawn.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})
