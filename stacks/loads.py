"""The loads that the environments declare: what they expect, and what they promise."""

from functools import cache

from sagemaker_llm import (
    OFFICE_DAY,
    Fixed,
    Load,
    Objective,
    RequestShape,
    Sizing,
    Workload,
    published_profile,
)

# Short and long questions with short and long answers, until a log of real ones says otherwise.
_CONVERSATIONS = tuple(
    RequestShape(prompt_words=words, output_tokens=tokens, share=0.25)
    for words in (128, 512)
    for tokens in (64, 256)
)
# Faster than anybody reads, and a moment to wait; the published profile keeps no less than 0.9 s.
_PROMISE = Objective(milliseconds_per_token=60, time_to_first_token_seconds=2)


@cache
def dev() -> Sizing:
    """Return what follows from a few people who try things out."""
    return _sizing(peak=0.5, mean=0.3)


@cache
def staging() -> Sizing:
    """Return what follows from the load of a test, of a sixth of prod's."""
    return _sizing(peak=1.2, mean=0.72)


@cache
def prod() -> Sizing:
    """Return what follows from the load of users."""
    return _sizing(
        peak=5.0,
        mean=3.0,
        fixed={"min_instances": Fixed(value=2, reason="one instance may fail, and updates roll")},
    )


@cache
def rehearsed() -> Sizing:
    """Return what follows from the load of `make rehearse-scaling`: long answers to long documents.

    Few requests a second keep several instances busy, so that a laptop sends all of them.
    """
    shapes = tuple(
        RequestShape(prompt_words=words, output_tokens=tokens, share=0.25)
        for words in (1024, 2048)
        for tokens in (2000, 4000)
    )
    workload = Workload(
        shapes=shapes,
        peak_requests_per_second=0.25,
        mean_requests_per_second=0.14,
        daily_curve=OFFICE_DAY,
        surge=1.4,
    )
    promise = Objective(milliseconds_per_token=40, time_to_first_token_seconds=20)
    return Sizing(Load(workload=workload, objective=promise, profile=published_profile()))


def _sizing(*, peak: float, mean: float, fixed: dict[str, Fixed] | None = None) -> Sizing:
    workload = Workload(
        shapes=_CONVERSATIONS, peak_requests_per_second=peak, mean_requests_per_second=mean
    )
    profile = published_profile()
    return Sizing(Load(workload=workload, objective=_PROMISE, profile=profile, fixed=fixed or {}))
