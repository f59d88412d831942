"""Two measurements side by side: ratios, their intervals by bootstrap, and what is only noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.load.arrivals import Users
from bench.load.generator import Recorded
from bench.results.figures import Figures, tokens_within
from bench.results.profile import Row, read_profile
from bench.results.store import Run
from bench.results.table import markdown

_RESAMPLES = 2000
_SLICES = 20  # Of a window, whose rates are drawn anew.

Key = tuple[int, int, str]
Sample = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure, and what it would have been in other draws of the same sample."""

    value: float
    draws: Sample | None  # None for a figure whose sample is not known.


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell's two published figures."""

    tokens_per_second: Estimate
    milliseconds_per_token: Estimate


def read_measurement(path: Path, seed: int = 0) -> Mapping[Key, Cell]:
    """Read a run's folder, or a profile's CSV; two that are compared need seeds of their own.

    Raises ValueError.
    """
    if path.is_dir():
        cells = Run.open(path).cells()
        return {
            _key(each): _measured(each, recorded, seed) for each, recorded in cells if _whole(each)
        }
    if not path.exists():
        raise ValueError(f"{path} is neither a run's folder nor a profile")
    return {
        (row.input_words, row.output_tokens, str(Users(row.concurrency))): _published(row)
        for row in read_profile(path)
    }


def compare(a: Mapping[Key, Cell], b: Mapping[Key, Cell]) -> str:
    """Return a table of the cells that both have; raises ValueError if there are none."""
    rows = [
        [
            *map(str, key),
            *_compared(a[key].tokens_per_second, b[key].tokens_per_second),
            *_compared(a[key].milliseconds_per_token, b[key].milliseconds_per_token),
        ]
        for key in a
        if key in b
    ]
    if not rows:
        raise ValueError("the two have no cell in common: words, output tokens and load must agree")
    head = ["input words", "output tokens", "load"]
    return markdown([*head, "tokens/s, A", "B", "B/A", "ms a token, A", "B", "B/A"], rows)


def ratio_interval(a: Estimate, b: Estimate) -> tuple[float, float] | None:
    """Return what holds B/A with 95 % confidence; a side without a sample counts as exact."""
    if a.draws is None and b.draws is None:
        return None
    above = b.value if b.draws is None else b.draws
    below = a.value if a.draws is None else a.draws
    low, high = np.percentile(above / below, (2.5, 97.5))
    return float(low), float(high)


def _compared(a: Estimate, b: Estimate) -> list[str]:
    shown = f"{b.value / a.value:.2f}"
    if interval := ratio_interval(a, b):
        low, high = interval
        shown += f" ({low:.2f} to {high:.2f}{', noise' if low <= 1 <= high else ''})"
    return [f"{a.value:.1f}", f"{b.value:.1f}", shown]


def _whole(cell: Figures) -> bool:
    return cell.stopped is None and cell.answered > 0


def _key(cell: Figures) -> Key:
    return cell.input_words, cell.output_tokens, str(cell.load)


def _published(row: Row) -> Cell:
    return Cell(
        tokens_per_second=Estimate(value=row.tokens_per_second, draws=None),
        milliseconds_per_token=Estimate(value=row.milliseconds_per_token, draws=None),
    )


def _measured(cell: Figures, recorded: Recorded, seed: int) -> Cell:
    begun, ended = recorded.window
    edges = np.linspace(begun, ended, _SLICES + 1)
    rates = [
        tokens_within(recorded.requests, start, end) / (end - start)
        for start, end in pairwise(edges)
    ]
    latencies = [
        request.time_per_output_token * 1000
        for request in recorded.requests
        if begun <= request.ended <= ended and request.time_per_output_token is not None
    ]
    return Cell(
        tokens_per_second=Estimate(
            value=cell.output_token_throughput, draws=_resampled(rates, seed).mean(axis=1)
        ),
        milliseconds_per_token=Estimate(
            value=cell.time_per_output_token.p50 * 1000,
            draws=np.median(_resampled(latencies, seed), axis=1),
        ),
    )


def _resampled(values: list[float], seed: int) -> Sample:
    """Draw the sample anew, with replacement: one draw a row; the same draws each time."""
    draw = np.random.default_rng(seed)
    return draw.choice(np.array(values), size=(_RESAMPLES, len(values)))
