"""What a simulation is given: the requests of a day, the promise, and the scaling policy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.workload import Objective

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
NO_OTHERS = np.zeros(0, np.bool_)
_ROUNDING = 1e-6


class Requests(NamedTuple):
    """The rate for each second, and each shape's share, work and promise; times in milliseconds."""

    rate: Floats  # requests a second
    mix: Integers  # which mix comes in each second
    cumulative: Floats  # of each mix, the shapes' shares
    prefill: Floats
    tokens: Floats
    spread: float  # of the answers' lengths: their deviation over their mean
    weight: Floats  # of a shape in the metric that counts work: 1 is a mean declared request
    step: float
    per_request: float
    admission_steps: float
    slow_token: float  # what is missed
    late_first_token: float  # 0: `slow_token` is of the whole answer


class Policy(NamedTuple):
    """What scales the fleet: targets of 0 track nothing. Seconds, unless named otherwise."""

    target_concurrent: float = 0.0
    target_per_minute: float = 0.0  # invocations, or work, of an instance
    minimum: float = 1.0
    maximum: float = 1.0
    limit: float = 128.0  # of an instance's requests in flight
    client_rate: float = 0.0  # that API Gateway lets through, of all clients; 0: any
    client_burst: float = 0.0
    scale_out_cooldown: float = 60.0
    scale_in_cooldown: float = 300.0
    start_least: float = 300.0
    start_most: float = 480.0
    retries: float = 2.0  # of a refused request, as OpenAI's clients do
    retry_after: float = 2.0  # as the proxy says without a declared load


def requests_of(
    rate: Floats,
    demand: Demand,
    objective: Objective,
    *,
    spread: float = 0.0,
    declared: Demand | None = None,
    others: Demand | None = None,
    comes_other: Booleans = NO_OTHERS,
) -> Requests:
    """Return the requests of a day, which are others in some seconds.

    With a declared demand, the metric counts work.
    """
    mixes = (demand,) if others is None else (demand, others)
    prefill = np.concatenate([each.prefills for each in mixes])
    shapes = [shape for each in mixes for shape in each.shapes]
    tokens = np.array([float(shape.output_tokens) for shape in shapes])
    service, first = demand.service, objective.time_to_first_token_seconds
    work = prefill + service.per_request * tokens
    return Requests(
        rate=rate,
        mix=np.zeros(len(rate), np.int64) if others is None else comes_other.astype(np.int64),
        cumulative=_cumulative(mixes),
        prefill=prefill,
        tokens=tokens,
        spread=spread,
        weight=np.ones_like(work) if declared is None else work / declared.work[0],
        step=service.step,
        per_request=service.per_request,
        admission_steps=float(service.admission_steps),
        slow_token=objective.milliseconds_per_token,
        late_first_token=0.0 if first is None else 1000 * first,
    )


def _cumulative(mixes: Sequence[Demand]) -> Floats:
    """Return a row for each mix: up to which random number each shape of all of them comes."""
    shares = [
        [shape.share if each is mix else 0.0 for each in mixes for shape in each.shapes]
        for mix in mixes
    ]
    found = np.cumsum(shares, axis=1)
    found[found > 1 - _ROUNDING] = 2.0  # above every random number
    return np.asarray(found)
