"""Tables as Markdown: in the published table's form, and with every figure of each cell."""

from collections.abc import Callable, Iterable, Sequence
from math import isnan

from bench.results.figures import Distribution, Figures

NOT_MEASURED = "-"
_WITHOUT_DECIMALS = 100


def published_form(cells: Sequence[Figures]) -> str:
    """Return throughput and latency by input words and load; a cell that was given up says why."""
    loads = list(dict.fromkeys(str(cell.load) for cell in cells))
    by_place = {(cell.input_words, str(cell.load)): cell for cell in cells}
    rows = []
    for words in dict.fromkeys(cell.input_words for cell in cells):
        row = [by_place.get((words, load)) for load in loads]
        rows.append([str(words), "tokens/s", *(_published(cell, _throughput) for cell in row)])
        rows.append(["", "ms a token", *(_published(cell, _latency) for cell in row)])
    return markdown(["input words", "", *loads], rows)


def details(cells: Iterable[Figures]) -> str:
    """Return a row with every figure for each cell."""
    return markdown(list(_DETAILS), [[show(cell) for show in _DETAILS.values()] for cell in cells])


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is text and whose others are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), rule, *map(list, rows)])


def failures_text(cell: Figures) -> str:
    """Return the kinds of failure and how many there were of each."""
    return ", ".join(f"{count}x {kind}" for kind, count in sorted(cell.failures.items()))


def _published(cell: Figures | None, figure: Callable[[Figures], str]) -> str:
    if cell is None:
        return NOT_MEASURED
    return cell.stopped or figure(cell)


def _throughput(cell: Figures) -> str:
    return _number(cell.output_token_throughput)


def _latency(cell: Figures) -> str:
    return _number(cell.time_per_output_token.p50 * 1000)


def _number(value: float) -> str:
    if isnan(value):
        return NOT_MEASURED
    return f"{value:.0f}" if value >= _WITHOUT_DECIMALS else f"{value:.3g}"


def _share(value: float) -> str:
    return NOT_MEASURED if isnan(value) else f"{value:.0%}"


def _milliseconds(values: Distribution) -> str:
    return " / ".join(_number(each * 1000) for each in (values.p50, values.p90, values.p99))


def _in_flight(cell: Figures) -> str:
    return f"{_number(cell.concurrency)}{'' if cell.is_steady else ', not steady'}"


def _client(cell: Figures) -> str:
    bound = ", bound by it" if cell.is_client_bound else ""
    return f"{cell.client_cpu_share:.0%}{bound}"


_DETAILS: dict[str, Callable[[Figures], str]] = {
    "input words": lambda cell: str(cell.input_words),
    "load": lambda cell: str(cell.load),
    "prompt tokens": lambda cell: _number(cell.prompt_tokens),
    "output tokens": lambda cell: _number(cell.completion_tokens),
    "answered": lambda cell: str(cell.answered),
    "failed": lambda cell: failures_text(cell) or "0",
    "disconnected": lambda cell: str(cell.disconnected),
    "tokens/s": _throughput,
    "requests/s": lambda cell: _number(cell.request_throughput),
    "in flight": _in_flight,
    "time to first token, ms, p50 / p90 / p99": lambda cell: _milliseconds(
        cell.time_to_first_token
    ),
    "inter-token latency, ms": lambda cell: _milliseconds(cell.inter_token_latency),
    "time per output token, ms": lambda cell: _milliseconds(cell.time_per_output_token),
    "request latency, ms": lambda cell: _milliseconds(cell.request_latency),
    "good": lambda cell: _share(cell.good_share),
    "goodput/s": lambda cell: _number(cell.goodput),
    "client's CPU": _client,
}
