"""The timeline: what happened in each of AWS's minutes, beside what the simulation foresaw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from operate.scaling.clients import Outcome
from sagemaker_llm.sizing.formula.workload import Objective
from simulation.day import Day
from simulation.engine.events import (
    ARRIVED,
    ENDED,
    IN_FLIGHT,
    INSTANCES,
    MISSED,
    REFUSED,
    SERVING,
    THROTTLED,
    TURNED_AWAY,
)

_ROWS_A_MINUTE = 6


@dataclass(frozen=True)
class Sample:
    """The endpoint at a moment."""

    at: float  # AWS's seconds since the start
    in_service: int
    desired: int
    in_flight: int


@dataclass
class Seen:
    """What a rehearsal saw."""

    outcomes: Sequence[Outcome] = ()
    samples: list[Sample] = field(default_factory=list)
    activities: Sequence[str] = ()
    alarms: Sequence[str] = ()


@dataclass(frozen=True)
class Minute:
    """One minute of a rehearsal or of a simulation."""

    offered: float  # requests a second
    in_flight: float
    in_service: float
    desired: float
    missed: int
    refused: int
    first_token: float | None = None  # at the promised share; None of a simulation
    turned_away: int = 0  # answers with a Retry-After


def missed(outcome: Outcome, objective: Objective) -> bool:
    """Return whether a request missed the promise: an error, a late first token, slow ones."""
    if outcome.error or outcome.first_token is None or outcome.ended is None:
        return True
    each = 1000 * (outcome.ended - outcome.first_token) / outcome.request.tokens
    late = objective.time_to_first_token_seconds
    waited = outcome.first_token - outcome.request.at
    return each > objective.milliseconds_per_token or (late is not None and waited > late)


def of_rehearsal(seen: Seen, objective: Objective, minutes: int) -> list[Minute]:
    """Return the minutes of what was seen, each request in the minute that it came."""
    return [_minute(seen, objective, 60 * number) for number in range(minutes)]


def _minute(seen: Seen, objective: Objective, start: int) -> Minute:
    outcomes = [o for o in seen.outcomes if start <= o.request.at < start + 60]
    samples = [s for s in seen.samples if start <= s.at < start + 60]
    waits = [o.first_token - o.request.at for o in outcomes if o.first_token is not None]
    return Minute(
        offered=len(outcomes) / 60,
        in_flight=float(np.mean([s.in_flight for s in samples] or [0])),
        in_service=float(np.mean([s.in_service for s in samples] or [0])),
        desired=float(max((s.desired for s in samples), default=0)),
        missed=sum(missed(o, objective) for o in outcomes),
        refused=sum(bool(o.error) for o in outcomes),
        first_token=float(np.quantile(waits, objective.share)) if waits else None,
        turned_away=sum(o.refusals for o in outcomes),
    )


def of_simulation(day: Day) -> list[Minute]:
    """Return the minutes of a simulation, each request in the minute that it ended."""
    rows = day.series.reshape(-1, _ROWS_A_MINUTE, day.series.shape[1])
    return [
        Minute(
            offered=row[:, ARRIVED].sum() / 60,
            in_flight=row[:, IN_FLIGHT].mean(),
            in_service=row[:, SERVING].mean(),
            desired=row[:, INSTANCES].max(),
            missed=int(row[:, MISSED].sum() + row[:, REFUSED].sum()),
            refused=int(row[:, REFUSED].sum()),
            turned_away=int(row[:, TURNED_AWAY].sum() + row[:, THROTTLED].sum()),
        )
        for row in rows
    ]


def totals(minutes: Sequence[Minute], requests: float) -> Mapping[str, str]:
    """Return what a ramp came to."""
    late = sum(minute.missed for minute in minutes)
    refused = sum(minute.refused for minute in minutes)
    return {
        "requests": f"{requests:,.0f}",
        "most instances": f"{max(minute.desired for minute in minutes):.0f}",
        "instance-hours": f"{sum(minute.desired for minute in minutes) / 60:.2f}",
        "most in flight": f"{max(minute.in_flight for minute in minutes):.0f}",
        "answers 429": f"{sum(minute.turned_away for minute in minutes)}",
        "missed the promise": f"{late / requests:.1%}",
        "of them refused for good": f"{refused / requests:.1%}",
    }


def requests_of(day: Day) -> float:
    """Return the requests that a simulated ramp served or refused."""
    return float(day.series[:, ENDED].sum() + day.series[:, REFUSED].sum())
