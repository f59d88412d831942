"""A profile: one row a cell, as CSV. The first five columns are the published table's.

The published profile is the table of AWS's announcement "Mistral 7B foundation models from Mistral
AI are now available in Amazon SageMaker JumpStart" (AWS Machine Learning Blog): Mistral-7B-Instruct
on ml.g5.2xlarge with Text Generation Inference 1.1.0. It has no row where requests timed out.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from bench.results.figures import Figures

PUBLISHED = Path(__file__).parents[1] / "profiles/mistral-7b-instruct.ml.g5.2xlarge.tgi-1.1.0.csv"

_PUBLISHED_COLUMNS = (
    "input_words",
    "output_tokens",
    "concurrency",
    "throughput_tokens_per_s",
    "latency_p50_ms_per_token",
)
# Of a distribution.
_OF_ALL = ("mean", "p50", "p90", "p95", "p99")
_TIMES = ("latency", "ttft", "itl")  # In milliseconds.
_FURTHER_COLUMNS = (
    "requests_per_s",
    *(f"{time}_{value}_ms" for time in _TIMES for value in _OF_ALL),
    "prompt_tokens_mean",
    "completion_tokens_mean",
    "requests",
    "failures",
    "seconds",
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every profile says of a cell."""

    input_words: int
    output_tokens: int
    concurrency: int
    tokens_per_second: float
    milliseconds_per_token: float

    @property
    def key(self) -> tuple[int, int, int]:
        """What two profiles are paired by."""
        return self.input_words, self.output_tokens, self.concurrency


def write_profile(path: Path, cells: Iterable[Figures]) -> None:
    """Write a row for each cell of a closed loop that was measured whole."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_PUBLISHED_COLUMNS + _FURTHER_COLUMNS)
        for cell in cells:
            if cell.users is not None and cell.stopped is None and cell.answered:
                writer.writerow([_shown(value) for value in _values(cell)])


def read_profile(path: Path) -> list[Row]:
    """Read a profile, the published one or one of ours; raises ValueError."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := set(_PUBLISHED_COLUMNS) - set(reader.fieldnames or ()):
            raise ValueError(f"{path} is no profile: it lacks {', '.join(sorted(missing))}")
        return [_row(path, number, values) for number, values in enumerate(reader, start=2)]


def _row(path: Path, number: int, values: dict[str, str]) -> Row:
    try:
        return Row(
            input_words=int(values["input_words"]),
            output_tokens=int(values["output_tokens"]),
            concurrency=int(values["concurrency"]),
            tokens_per_second=float(values["throughput_tokens_per_s"]),
            milliseconds_per_token=float(values["latency_p50_ms_per_token"]),
        )
    except (ValueError, TypeError):
        raise ValueError(f"line {number} of {path} holds no numbers: {values}") from None


def _values(cell: Figures) -> list[float]:
    times = (cell.request_latency, cell.time_to_first_token, cell.inter_token_latency)
    return [
        cell.input_words,
        cell.output_tokens,
        cell.users or 0,
        cell.output_token_throughput,
        cell.time_per_output_token.p50 * 1000,
        cell.request_throughput,
        *(getattr(time, value) * 1000 for time in times for value in _OF_ALL),
        cell.prompt_tokens,
        cell.completion_tokens,
        cell.answered,
        sum(cell.failures.values()),
        cell.seconds,
    ]


def _shown(value: float) -> str:
    return "" if isnan(value) else f"{value:.6g}"
