"""What a simulation is given: the requests of a day, the promise, and the scaling policy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sagemaker_llm.sizing.demand import Demand
from sagemaker_llm.sizing.workload import Objective

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Requests(NamedTuple):
    """The rate for each second, and each shape's share, work and promise; times in milliseconds."""

    rate: Floats  # requests a second
    cumulative: Floats  # the shapes' shares
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
    scale_out_cooldown: float = 60.0
    scale_in_cooldown: float = 300.0
    start_least: float = 300.0
    start_most: float = 480.0
    retries: float = 3.0  # of a refused request
    back_off: float = 1.0


def requests_of(
    rate: Floats,
    demand: Demand,
    objective: Objective,
    *,
    spread: float = 0.0,
    declared: Demand | None = None,
) -> Requests:
    """Return the requests of a day; with a declared demand, the metric counts work."""
    prefill = np.array(demand.prefills)
    tokens = np.array([float(shape.output_tokens) for shape in demand.shapes])
    service, first = demand.service, objective.time_to_first_token_seconds
    cumulative = np.cumsum([shape.share for shape in demand.shapes])
    cumulative[-1] = 2.0  # above every random number
    work = prefill + service.per_request * tokens
    return Requests(
        rate=rate,
        cumulative=cumulative,
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
