"""The figures of a cell, taken from its requests."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from bench.load.arrivals import Load, Users
from bench.load.generator import Recorded
from bench.load.requests import Request

# Past these the client may have set the figures: its share of a core, and how late its timers are
# beside the time to first token.
_BUSY_SHARE = 0.8
_LATE_SHARE = 0.1
# By which throughput times latency may miss the users of a steady closed loop.
_STEADY_WITHIN = 0.05
PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Values of the requests of a cell; NaN where there are none."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What an answer must keep to count as good."""

    time_to_first_token_seconds: float
    inter_token_latency_seconds: float

    def __post_init__(self) -> None:
        for name, seconds in vars(self).items():
            if not (isfinite(seconds) and seconds > 0):
                raise ValueError(f"{name} must be above 0, got {seconds}")

    def is_met_by(self, request: Request) -> bool:
        """Whether a request was answered as promised."""
        first, each = request.time_to_first_token, request.inter_token_latency
        return (
            request.complete
            and first is not None
            and first <= self.time_to_first_token_seconds
            and (each is None or each <= self.inter_token_latency_seconds)
        )


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One cell. Names and definitions are AIPerf's and guidellm's; times are seconds."""

    input_words: int
    output_tokens: int  # As asked for.
    load: Load
    seconds: float
    answered: int
    failures: dict[str, int]
    disconnected: int
    stopped: str | None
    prompt_tokens: float  # Mean, as the server counts.
    completion_tokens: float
    output_token_throughput: float  # Tokens that arrived, a second.
    request_throughput: float
    time_to_first_token: Distribution
    inter_token_latency: Distribution
    time_per_output_token: Distribution
    request_latency: Distribution
    good_share: float  # Of what the server ended, failures included.
    goodput: float  # Good requests a second.
    client_cpu_share: float
    client_lag_p99: float

    @property
    def concurrency(self) -> float:
        """Requests in flight by Little's law: throughput times mean latency."""
        return self.request_throughput * self.request_latency.mean

    @property
    def is_steady(self) -> bool:
        """Whether a closed loop keeps Little's law, which holds where every request is answered."""
        if self.users is None or self.failures or self.disconnected:
            return True
        return abs(self.concurrency / self.users - 1) <= _STEADY_WITHIN

    @property
    def is_client_bound(self) -> bool:
        """Whether the client, not the server, may have set the figures."""
        late = self.client_lag_p99 > _LATE_SHARE * self.time_to_first_token.p50
        return self.client_cpu_share > _BUSY_SHARE or late

    @property
    def users(self) -> int | None:
        """Users of a closed loop."""
        return self.load.number if isinstance(self.load, Users) else None


def figures_of(
    recorded: Recorded, input_words: int, output_tokens: int, load: Load, objective: Objective
) -> Figures:
    """Take the figures from what ended in the window, and tokens from when they arrived."""
    begun, ended = recorded.window
    seconds = ended - begun
    within = [request for request in recorded.requests if begun <= request.ended <= ended]
    complete = [request for request in within if request.complete]
    throughput = (
        _throughput(recorded.requests, begun, ended)
        if isinstance(load, Users)
        else _rate(len(complete), seconds)
    )
    judged = sum(not request.disconnected for request in within)
    good = sum(objective.is_met_by(request) for request in within)
    lags = recorded.client_lags
    return Figures(
        input_words=input_words,
        output_tokens=output_tokens,
        load=load,
        seconds=seconds,
        answered=len(complete),
        failures=dict(Counter(each.failure for each in within if each.failure is not None)),
        disconnected=sum(request.disconnected for request in within),
        stopped=recorded.stopped,
        prompt_tokens=_mean(request.prompt_tokens for request in complete),
        completion_tokens=_mean(request.completion_tokens for request in complete),
        output_token_throughput=_rate(tokens_within(recorded.requests, begun, ended), seconds),
        request_throughput=throughput,
        time_to_first_token=_distribution(r.time_to_first_token for r in complete),
        inter_token_latency=_distribution(r.inter_token_latency for r in complete),
        time_per_output_token=_distribution(r.time_per_output_token for r in complete),
        request_latency=_distribution(r.request_latency for r in complete),
        good_share=good / judged if judged else nan,
        goodput=throughput * good / len(complete) if complete else 0.0,
        client_cpu_share=recorded.client_cpu_share,
        client_lag_p99=float(np.percentile(lags, 99)) if lags else 0.0,
    )


def tokens_within(requests: Sequence[Request], begun: float, ended: float) -> float:
    """Return the tokens that arrived in an interval.

    A text may hold several tokens, so each counts as its answer's mean; where an answer has no
    count, as the mean of all.
    """
    counted = [r for r in requests if r.completion_tokens and r.arrivals]
    texts = sum(len(request.arrivals) for request in counted)
    tokens = sum(request.completion_tokens or 0 for request in counted)
    usual = tokens / texts if texts else 1.0
    total = 0.0
    for request in requests:
        count = request.completion_tokens
        each = count / len(request.arrivals) if count and request.arrivals else usual
        total += each * sum(begun <= arrival <= ended for arrival in request.arrivals)
    return total


def _throughput(requests: Sequence[Request], begun: float, ended: float) -> float:
    """Return the answers a second of users who ask again at once.

    Each answer counts by the share of its time that lies in the window: users march in step, so
    that the number of those that end in it depends on where it ends.
    """
    answers = 0.0
    for request in requests:
        inside = min(request.ended, ended) - max(request.due, begun)
        if request.complete and inside > 0:
            answers += inside / (request.ended - request.due)
    return _rate(answers, ended - begun)


def _distribution(values: Iterable[float | None]) -> Distribution:
    known = [value for value in values if value is not None]
    if not known:
        return Distribution(mean=nan, p50=nan, p90=nan, p95=nan, p99=nan)
    p50, p90, p95, p99 = (float(each) for each in np.percentile(known, PERCENTILES))
    return Distribution(mean=float(np.mean(known)), p50=p50, p90=p90, p95=p95, p99=p99)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else nan


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
