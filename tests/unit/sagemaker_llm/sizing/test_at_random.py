"""Loads at random: the nearest objective is kept, and every plan holds together."""

import re
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from allowed_values.rules import RefusedValueError
from sagemaker_llm import (
    FLAT_DAY,
    OFFICE_DAY,
    SINE_DAY,
    Client,
    Load,
    Objective,
    RequestShape,
    Sizing,
    Tracked,
    Workload,
    published_profile,
)
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.settings import ApiSettings
from sagemaker_llm.serving.tracking import TargetTracking

# The same examples each time.
_same = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_ROUNDING = 0.985  # of three digits, upwards


def _log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(0, 1).map(lambda share: float(low * (high / low) ** share))


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    count = draw(st.integers(1, 3))
    weights = [draw(st.integers(1, 9)) for _ in range(count)]
    curve = draw(st.sampled_from((SINE_DAY, OFFICE_DAY, FLAT_DAY)))
    peak = draw(_log_uniform(0.05, 3000))
    least = sum(curve) / 24
    return Workload(
        shapes=tuple(
            RequestShape(
                prompt_words=round(draw(_log_uniform(8, 6400))),
                output_tokens=round(draw(_log_uniform(8, 4000))),
                share=weight / sum(weights),
            )
            for weight in weights
        ),
        peak_requests_per_second=peak,
        mean_requests_per_second=peak * (least + draw(st.floats(0, 1)) * (1 - least)),
        daily_curve=curve,
        burst=draw(st.sampled_from((1.0, 1.0, 1.4))),
        surge=draw(st.sampled_from((1.0, 1.5, 3.0))),
    )


@st.composite
def objectives(draw: st.DrawFn, least: float, most: float) -> Objective:
    return Objective(
        milliseconds_per_token=draw(_log_uniform(least, most)),
        time_to_first_token_seconds=draw(st.none() | _log_uniform(least / 60, most / 30)),
        share=draw(st.sampled_from((0.9, 0.95, 0.99, 0.999))),
    )


def _load(workload: Workload, objective: Objective, tracked: Tracked) -> Load:
    return Load(
        workload=workload, objective=objective, profile=published_profile(), tracked=tracked
    )


def _is_kept(workload: Workload, objective: Objective) -> bool:
    try:
        _load(workload, objective, Tracked.CONCURRENCY)
    except RefusedValueError as error:
        if "cannot keep" not in str(error):
            raise
        return False
    return True


def _said(message: str, given_: Objective) -> Objective | None:
    """Return the objective that a refusal names; None where it says that there is none."""
    found = re.search(r"can: (?:([\d.e+-]+) s to the first token and )?([\d.e+-]+) ms", message)
    if not found:
        assert "none: shorten the requests" in message
        return None
    first = None if found[1] is None else float(found[1])
    return replace(
        given_, milliseconds_per_token=float(found[2]), time_to_first_token_seconds=first
    )


def _relaxed(declared: Objective, *, tokens: float, first: float) -> Objective:
    seconds = declared.time_to_first_token_seconds
    return replace(
        declared,
        milliseconds_per_token=min(tokens * declared.milliseconds_per_token, 10_000),
        time_to_first_token_seconds=None if seconds is None else min(first * seconds, 479),
    )


@_same
@given(workloads(), objectives(5, 60))
def test_nearest_objective_is_kept_and_no_nearer_one_is(
    workload: Workload, objective: Objective
) -> None:
    try:
        _load(workload, objective, Tracked.CONCURRENCY)
    except RefusedValueError as error:
        message = str(error)
    else:
        return
    if "SageMaker's streams" in message:
        return
    nearest = _said(message, objective)
    if nearest is None:
        assert not _is_kept_by(workload, objective, tokens=10, first=10)
        return
    assert _is_kept(workload, nearest)
    before, after = objective.time_to_first_token_seconds, nearest.time_to_first_token_seconds
    tokens = nearest.milliseconds_per_token / objective.milliseconds_per_token
    first = 1.0 if before is None or after is None else after / before
    nearer = _ROUNDING * max(tokens, first)
    if nearer <= 1:
        return
    assert not _is_kept_by(workload, objective, tokens=nearer, first=1)
    assert not _is_kept_by(workload, objective, tokens=1, first=nearer)
    if min(tokens, first) > 1.001:  # both had to change
        assert not _is_kept_by(workload, objective, tokens=nearer, first=nearer)
        assert not _is_kept_by(workload, objective, tokens=10, first=1)
        assert not _is_kept_by(workload, objective, tokens=1, first=10)


def _is_kept_by(workload: Workload, objective: Objective, *, tokens: float, first: float) -> bool:
    relaxed = _relaxed(objective, tokens=tokens, first=first)
    try:
        return _is_kept(workload, relaxed)
    except RefusedValueError:  # its answers are too long
        return False


@_same
@given(workloads(), objectives(34, 300), st.sampled_from(Tracked))
def test_every_plan_holds_together(
    workload: Workload, objective: Objective, tracked: Tracked
) -> None:
    try:
        sizing = Sizing(_load(workload, objective, tracked))
    except RefusedValueError:
        reject()
    # Minimums lie between the bounds: else this raises.
    scaling = TargetTracking.sized(sizing, initial_instances=sizing.min_instances)
    limit, memory = sizing.max_concurrent_requests, sizing.demand.memory_limit
    assert 1 <= limit <= max(memory, 1)
    # What an instance admits is above all that must be exceeded there.
    assert 0 < scaling.target_concurrent_requests < limit
    assert 0 < sizing.in_flight(sizing.max_load) < sizing.concurrency_alarm < limit
    assert 0 < sizing.in_flight_at_maximum < limit
    work = scaling.target_work_milliseconds
    assert work is None or 60_000 * sizing.target_load < work <= 60_000
    shares = (0.6, 0.3, 0.1)
    clients = tuple(
        Client.sized(sizing, name=name, share=share)
        for name, share in zip(("One", "Two", "Three"), shares, strict=True)
    )
    assert sum(each.rate_limit for each in clients) <= sizing.requests_per_second
    admitted = sizing.max_instances * limit
    reserved = reserved_concurrency(ApiSettings(clients=clients), admitted)
    assert reserved.proxy is not None
    assert reserved.proxy >= admitted
    assert 0 < sizing.retry_after_seconds <= 60
