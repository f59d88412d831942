"""What a tool says beside what the server knows, per figure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.load.arrivals import Users
from bench.results.table import markdown
from bench.trust.stub import Answer
from bench.trust.tools import Measured

_COLUMNS = {
    "first_token": "first token, ms",
    "first_token_p95": "p95",
    "inter_token": "inter-token, ms",
    "latency": "latency, ms",
    "latency_p95": "p95",
    "throughput": "tokens/s",
}
FIGURES = {
    "first_token": "time to first token",
    "first_token_p95": "its p95",
    "inter_token": "inter-token latency",
    "latency": "request latency",
    "latency_p95": "its p95",
    "throughput": "output tokens/s",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One tool at one number of users."""

    users: int
    tool: str
    said: Measured
    known: Mapping[str, float]
    server_late: float  # Mean seconds by which the server's first tokens missed its own plan.

    def deviation(self, name: str) -> float:
        """Return how far off a figure is, relative to what the server knows."""
        return float(getattr(self.said, name)) / self.known[name] - 1


def row(users: int, tool: str, said: Measured, answers: Iterable[Answer]) -> Row:
    """Set a tool beside the answers that ended in its window; raises ValueError without any."""
    begun, ended = said.window
    counted = [answer for answer in answers if begun <= answer.last <= ended]
    if not counted:
        raise ValueError(f"the server ended no answer while {tool} measured {users} users")
    firsts = [answer.first - answer.received for answer in counted]
    latencies = [answer.last - answer.received for answer in counted]
    known = {
        "first_token": fmean(firsts),
        "first_token_p95": float(np.percentile(firsts, 95)),
        "inter_token": fmean((each.last - each.first) / (each.tokens - 1) for each in counted),
        "latency": fmean(latencies),
        "latency_p95": float(np.percentile(latencies, 95)),
        # Of users who ask again at once.
        "throughput": users * fmean(each.tokens for each in counted) / fmean(latencies),
    }
    late = fmean(answer.first - answer.planned_first for answer in counted)
    return Row(users=users, tool=tool, said=said, known=known, server_late=late)


def table(rows: Iterable[Row]) -> str:
    """Return every figure with its deviation, and the client's CPU."""
    head = ["users", "tool", *_COLUMNS.values(), "its CPU"]
    return markdown(
        head,
        [
            [
                str(each.users),
                each.tool,
                *(_figure(each, name) for name in _COLUMNS),
                f"{each.said.cpu_share:.0%}",
            ]
            for each in rows
        ],
    )


def verdict(rows: Sequence[Row]) -> str:
    """Return, per figure and tool, how far off it is at most, and at how many users."""
    tools = list(dict.fromkeys(each.tool for each in rows))
    return markdown(
        ["off by at most", *tools],
        [
            [shown, *(_worst(name, [each for each in rows if each.tool == tool]) for tool in tools)]
            for name, shown in FIGURES.items()
        ],
    )


def _figure(each: Row, name: str) -> str:
    value = float(getattr(each.said, name))
    shown = f"{value:.0f}" if name == "throughput" else f"{value * 1000:.1f}"
    return f"{shown} ({each.deviation(name):+z.1%})"


def _worst(name: str, rows: Sequence[Row]) -> str:
    worst = max(rows, key=lambda each: abs(each.deviation(name)))
    return f"{worst.deviation(name):+z.1%} ({Users(worst.users)})"
