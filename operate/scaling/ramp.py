"""The ramp: a morning as it is declared, then more than is declared, and then too much."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sagemaker_llm.sizing.workload import Workload

# Of the declared day: before the scheduled minimum of a quarter past eight is due.
START_MINUTE = 8 * 60 + 10
_DECLARED_MINUTES = 12
# Minutes, and the rate over the declared peak: what the largest fleet holds, then what no fleet
# does, then what is left of a crowd.
_BEYOND = ((14, 1.3), (18, 1.9), (4, 0.4))


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


def rates(workload: Workload) -> NDArray[np.float64]:
    """Return the requests a second, for each of AWS's seconds."""
    first = 60 * START_MINUTE
    declared = workload.rates(1)[first : first + 60 * _DECLARED_MINUTES]
    peak = workload.peak_requests_per_second
    beyond = [share * peak for minutes, share in _BEYOND for _ in range(60 * minutes)]
    return np.array([*declared, *beyond])


def requests(workload: Workload, seed: int = 1) -> list[Request]:
    """Return the requests, at random by the rates and the shapes' shares."""
    random, rate = np.random.default_rng(seed), rates(workload)
    shares = [shape.share for shape in workload.shapes]
    counts = random.poisson(rate)
    found = []
    for second in np.repeat(np.arange(len(rate)), counts):
        shape = workload.shapes[random.choice(len(shares), p=shares)]
        at = float(second + random.random())
        found.append(Request(at, shape.prompt_words, shape.output_tokens))
    return sorted(found, key=lambda request: request.at)
