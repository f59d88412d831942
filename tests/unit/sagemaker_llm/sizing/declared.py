"""Loads as an environment declares them, in round numbers."""

from collections.abc import Mapping

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import (
    SINE_DAY,
    Fixed,
    Load,
    Objective,
    RequestShape,
    Sizing,
    Workload,
    published_profile,
)

WHOLE_60 = Objective(milliseconds_per_token=60)
FIRST_2_THEN_60 = Objective(milliseconds_per_token=60, time_to_first_token_seconds=2)


def shapes(*words: int, tokens: int = 128) -> tuple[RequestShape, ...]:
    share = 1 / len(words)
    return tuple(
        RequestShape(prompt_words=each, output_tokens=tokens, share=share) for each in words
    )


def sized(
    peak: float,
    *,
    objective: Objective = WHOLE_60,
    mean: float = 0.6,
    fixed: Mapping[str, Fixed] | None = None,
    curve: tuple[float, ...] = SINE_DAY,
    burst: float = 1.0,
    words: tuple[int, ...] = (128, 512),
    tokens: int = 128,
) -> Sizing:
    workload = Workload(
        shapes=shapes(*words, tokens=tokens),
        peak_requests_per_second=peak,
        mean_requests_per_second=mean * peak,
        daily_curve=curve,
        burst=burst,
    )
    load = Load(
        workload=workload, objective=objective, profile=published_profile(), fixed=fixed or {}
    )
    return Sizing(load)
