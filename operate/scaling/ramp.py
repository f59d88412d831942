"""The ramp: a morning as it is declared, then more than is declared, and then too much."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sagemaker_llm.sizing.formula.workload import RequestShape, Workload

# Of the declared day: before the scheduled minimum of a quarter past eight is due.
START_MINUTE = 8 * 60 + 10
_DECLARED_MINUTES = 12


class _Phase(NamedTuple):
    """Minutes of a rate over the declared peak, of the declared mix or of another."""

    minutes: int
    share: float
    is_other: bool = False


# More than is declared, which the largest fleet holds; then answers twice as long as any declared
# one, which no fleet holds, at a rate that the clients' limits let through; then a crowd's rest.
# If target tracking acts only in the second phase, the largest fleet still has too much for the
# fifteen minutes of its alarm: three for the metric, eight for the instance's start.
_BEYOND = (_Phase(14, 1.3), _Phase(36, 1.0, is_other=True), _Phase(4, 0.4))


@dataclass(frozen=True)
class Request:
    """When a request comes, in AWS's seconds since the start, and what it asks for."""

    at: float
    words: int
    tokens: int


def midnight() -> datetime:
    """Return the beginning of a day like any other."""
    return datetime(2026, 11, 27, tzinfo=UTC)


def clock() -> datetime:
    """Return when the ramp begins."""
    return midnight() + timedelta(minutes=START_MINUTE)


def named(minute: float) -> str:
    """Return the time of day of a minute of the ramp."""
    return f"{clock() + timedelta(minutes=float(minute)):%H:%M}"


def rates(workload: Workload) -> NDArray[np.float64]:
    """Return the requests a second, for each of AWS's seconds."""
    first = 60 * START_MINUTE
    declared = workload.rates(1)[first : first + 60 * _DECLARED_MINUTES]
    peak = workload.peak_requests_per_second
    beyond = [phase.share * peak for phase in _BEYOND for _ in range(60 * phase.minutes)]
    return np.array([*declared, *beyond])


def are_others() -> NDArray[np.bool_]:
    """Return whether other requests than the declared ones come in a second."""
    beyond = [phase.is_other for phase in _BEYOND for _ in range(60 * phase.minutes)]
    return np.array([*([False] * 60 * _DECLARED_MINUTES), *beyond])


def others(workload: Workload) -> RequestShape:
    """Return requests that are more work than any declared one."""
    longest = max(workload.shapes, key=lambda shape: (shape.output_tokens, shape.prompt_words))
    return replace(longest, output_tokens=2 * longest.output_tokens, share=1.0)


def requests(workload: Workload, seed: int = 1) -> list[Request]:
    """Return the requests, at random by the rates and the shapes' shares."""
    random, rate, comes_other = np.random.default_rng(seed), rates(workload), are_others()
    shares = [shape.share for shape in workload.shapes]
    found = []
    for second in np.repeat(np.arange(len(rate)), random.poisson(rate)):
        shape = workload.shapes[random.choice(len(shares), p=shares)]
        if comes_other[second]:
            shape = others(workload)
        at = float(second + random.random())
        found.append(Request(at, shape.prompt_words, shape.output_tokens))
    return sorted(found, key=lambda request: request.at)
