"""The comparison as a page: figures, plots, and the same prompts before and after."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.comparison import TASKS, Comparison, Measured
from reports import plots
from reports.page import page, paragraph, picture, section, table

# The base is grey, and what is made of it has the colour of measurements.
_BASE, _TUNED = plots.COLOURS[2], plots.COLOURS[0]
_BARS_INCHES = 1.6


def render_page(comparison: Comparison) -> str:
    """Return the whole page."""
    base, tuned = comparison.base, comparison.tuned
    answers = zip(comparison.prompts, base.answers, tuned.answers, strict=True)
    return page(
        "Base and tuned model",
        [
            paragraph(_verdict(base, tuned)),
            table(["", "base", "tuned"], _figures(base, tuned)),
            section("Held-out data", picture(_held_out(base, tuned))),
            section(
                "Retrieval from long prompts",
                *map(paragraph, comparison.notes),
                picture(_retrieval(base, tuned)),
            ),
            section("Speed", picture(_speed(base, tuned))),
            section(
                "The same prompts, before and after",
                table(
                    ["prompt", "base", "tuned"],
                    [[prompt, a.text.strip(), b.text.strip()] for prompt, a, b in answers],
                    kind="texts",
                ),
            ),
        ],
    )


def _verdict(base: Measured, tuned: Measured) -> str:
    change = tuned.held_out.loss / base.held_out.loss - 1
    direction = "lower" if change < 0 else "higher"
    return (
        f"On held-out data the tuned model's loss is {abs(change):.1%} {direction} than its base's:"
        f" {tuned.held_out.loss:.3f} after {base.held_out.loss:.3f}."
    )


def _figures(base: Measured, tuned: Measured) -> list[Sequence[str]]:
    both = (base, tuned)
    return [
        ["loss, nats a token", *(f"{each.held_out.loss:.3f}" for each in both)],
        ["perplexity", *(f"{each.held_out.perplexity:.2f}" for each in both)],
        *(
            [f"{task.name} retrieval", *(f"{each.accuracy(task.name):.0%}" for each in both)]
            for task in TASKS
        ),
        ["tokens a second", *(f"{each.tokens_per_second:.1f}" for each in both)],
    ]


def _held_out(base: Measured, tuned: Measured) -> Figure:
    with plots.figure(2, _BARS_INCHES) as (drawn, (loss, perplexity)):
        _bars(loss, base.held_out.loss, tuned.held_out.loss, ".3f")
        loss.set_xlabel("loss, nats a token (lower is better)")
        _bars(perplexity, base.held_out.perplexity, tuned.held_out.perplexity, ".2f")
        perplexity.set_xlabel("perplexity (lower is better)")
    return drawn


def _retrieval(base: Measured, tuned: Measured) -> Figure:
    with plots.figure(len(TASKS)) as (drawn, all_axes):
        for axes, task in zip(all_axes, TASKS, strict=True):
            # The base is wider, to be seen under a tuned model that does as well.
            for measured, colour, label, width in (
                (base, _BASE, "base", 5.0),
                (tuned, _TUNED, "tuned", 1.5),
            ):
                row = [each for each in measured.retrieval if each.task == task.name]
                plots.accuracies(axes, row, colour, label, width=width)
            axes.set_xlabel(f"{task.name}: tokens of the prompt")
        all_axes[0].legend(frameon=False, labelcolor=plots.TEXT)
    return drawn


def _speed(base: Measured, tuned: Measured) -> Figure:
    with plots.figure(1, _BARS_INCHES) as (drawn, (axes,)):
        _bars(axes, base.tokens_per_second, tuned.tokens_per_second, ".1f")
        axes.set_xlabel("tokens a second")
    return drawn


def _bars(axes: Axes, base: float, tuned: float, form: str) -> None:
    plots.bars(axes, {"base": base, "tuned": tuned}, (_BASE, _TUNED), form)
