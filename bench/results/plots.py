"""Plots of a run."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.load.generator import Recorded
from bench.results.figures import Figures, tokens_within
from reports.plots import COLOURS, TEXT, figure

Cells = Sequence[tuple[Figures, Recorded]]


def throughput_and_latency(cells: Cells) -> Figure:
    """Tokens a second, and milliseconds a token, against the load."""
    with figure(2) as (drawn, (left, right)):
        for colour, words, row in _rows(cells):
            at = [_position(cell) for cell, _ in row]
            left.plot(
                at,
                [c.output_token_throughput for c, _ in row],
                "o-",
                color=colour,
                label=f"{words} words",
            )
            right.plot(at, [c.time_per_output_token.p50 * 1000 for c, _ in row], "o-", color=colour)
            right.plot(
                at,
                [c.time_per_output_token.p90 * 1000 for c, _ in row],
                "--",
                color=colour,
                alpha=0.6,
            )
        left.set_ylabel("output tokens per second")
        right.set_ylabel("ms per output token: p50, p90")
        right.set_ylim(bottom=0)
        left.set_ylim(bottom=0)
        for axes in (left, right):
            _load_axis(axes, cells)
        left.legend(frameon=False, labelcolor=TEXT)
    return drawn


def first_token(cells: Cells) -> Figure:
    """Time to first token, p50 to p99, against the load; and the share that met the objective."""
    with figure(2) as (drawn, (left, right)):
        for colour, _, row in _rows(cells):
            at = [_position(cell) for cell, _ in row]
            spread = [cell.time_to_first_token for cell, _ in row]
            left.plot(at, [each.p50 * 1000 for each in spread], "o-", color=colour)
            left.fill_between(
                at,
                [each.p50 * 1000 for each in spread],
                [each.p99 * 1000 for each in spread],
                color=colour,
                alpha=0.15,
            )
            right.plot(at, [cell.good_share * 100 for cell, _ in row], "o-", color=colour)
        left.set_ylabel("time to first token, ms, p50 to p99")
        right.set_ylabel("requests that met the objective, %")
        right.set_ylim(-3, 103)
        for axes in (left, right):
            _load_axis(axes, cells)
    return drawn


def latency_distribution(cells: Cells) -> Figure:
    """The share of requests that were answered within a time, at the least and greatest load."""
    with figure(1) as (drawn, (axes,)):
        for colour, words, row in _rows(cells):
            for (cell, recorded), style in zip((row[0], row[-1]), ("-", "--"), strict=True):
                times = sorted(
                    each.request_latency
                    for each in recorded.requests
                    if each.request_latency is not None
                )
                axes.step(
                    times,
                    np.arange(1, len(times) + 1) / max(1, len(times)) * 100,
                    style,
                    where="post",
                    color=colour,
                    label=f"{words} words, {cell.load}",
                )
        axes.set_xlabel("request latency, s")
        axes.set_ylabel("requests answered, %")
        axes.legend(frameon=False, labelcolor=TEXT, fontsize=8)
    return drawn


def timeline(cell: Figures, recorded: Recorded) -> Figure:
    """Tokens a second and requests in flight over a cell; its window is shaded."""
    begun, ended = recorded.window
    start = min(request.sent for request in recorded.requests)
    end = max(request.ended for request in recorded.requests)
    step = max(0.25, (end - start) / 200)
    edges = np.arange(start, end + step, step)
    with figure(1) as (drawn, (axes,)):
        tokens = [tokens_within(recorded.requests, at, at + step) / step for at in edges]
        in_flight = [float(sum(r.sent <= at <= r.ended for r in recorded.requests)) for at in edges]
        axes.axvspan(begun, ended, color=TEXT, alpha=0.12, linewidth=0)
        axes.step(edges, tokens, where="post", color=COLOURS[0])
        axes.set_xlabel(f"seconds; {cell.input_words} words, {cell.load}")
        axes.set_ylabel("tokens per second", color=COLOURS[0])
        beside = axes.twinx()
        beside.step(edges, in_flight, where="post", color=COLOURS[1], alpha=0.7)
        beside.set_ylabel("requests in flight", color=COLOURS[1])
        beside.tick_params(colors=TEXT)
    return drawn


def _rows(cells: Cells) -> Iterator[tuple[str, int, Cells]]:
    for number, words in enumerate(dict.fromkeys(cell.input_words for cell, _ in cells)):
        row = [(c, r) for c, r in cells if c.input_words == words and c.answered and not c.stopped]
        if row:
            yield COLOURS[number % len(COLOURS)], words, row


def _position(cell: Figures) -> float:
    return float(cell.users) if cell.users is not None else cell.request_throughput


def _load_axis(axes: Axes, cells: Cells) -> None:
    if any(cell.users is None for cell, _ in cells):
        axes.set_xlabel("requests per second")
        return
    axes.set_xscale("log", base=2)
    axes.set_xlabel("concurrent users")
    users = sorted({cell.users for cell, _ in cells if cell.users is not None})
    axes.set_xticks(users, [str(number) for number in users])
