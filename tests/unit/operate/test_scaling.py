"""The rehearsal of scaling, without its embedded AWS: the ramp, the timeline, what it foresees."""

import os
from pathlib import Path

import pytest

# Before numba is imported: compiling a simulation of minutes takes longer than it does.
os.environ["NUMBA_DISABLE_JIT"] = "1"

from embedded_aws.core import circumstances
from operate.scaling import ramp, rehearsal, timeline
from operate.scaling.clients import Outcome
from operate.scaling.foreseen import simulated
from operate.scaling.timeline import Sample, Seen
from sagemaker_llm import Objective
from simulation.alarms import ringing
from stacks import environments, loads

_OBJECTIVE = Objective(milliseconds_per_token=40, time_to_first_token_seconds=20)


def test_ramp_goes_beyond_what_is_declared_in_requests_and_in_their_length() -> None:
    sizing = loads.rehearsed()
    rates = ramp.rates(sizing.load.workload)
    declared = sizing.load.workload.rates(1)[60 * ramp.START_MINUTE :]
    assert rates[0] == declared[0]
    assert rates.max() < sizing.requests_per_second  # the clients' limits let it through
    worked = [r.tokens for r in ramp.requests(sizing.load.workload) if r.at > 60 * 30]
    assert set(worked[:100]) == {8000}
    requests = ramp.requests(sizing.load.workload)
    assert len(requests) == pytest.approx(rates.sum(), rel=0.1)
    assert requests == ramp.requests(sizing.load.workload)
    due = [each.minute - ramp.START_MINUTE for each in sizing.schedule]
    assert any(0 < minute < len(rates) / 60 for minute in due)  # a scheduled minimum acts


def test_plan_is_deployed_with_what_follows_from_the_load() -> None:
    sizing = loads.rehearsed()
    local = environments.local_under(sizing)
    assert local.sizing is sizing
    assert local.model.limits.max_concurrent_requests == sizing.max_concurrent_requests


def test_time_hardly_passes_between_the_first_fleet_and_the_ramp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizing = loads.rehearsed()
    fleet = {"ProductionVariants": [{"CurrentInstanceCount": rehearsal.first_instances(sizing)}]}
    monkeypatch.setattr(circumstances, "FILE", tmp_path / "circumstances.json")
    monkeypatch.setattr(rehearsal, "_described", lambda _endpoint: fleet)
    rehearsal.Rehearsal(sizing, time_scale=6000)._begin("endpoint")
    found = circumstances.current()
    assert (found.clock, found.time_scale) == (ramp.clock(), 1)


@pytest.mark.parametrize(
    ("first_token", "ended", "error", "is_missed"),
    [
        (10.0, 85.0, "", False),
        (21.0, 90.0, "", True),
        (10.0, 91.0, "", True),
        (None, 5.0, "model_overloaded", True),
    ],
)
def test_a_request_misses_by_its_first_token_its_others_or_an_error(
    first_token: float | None, ended: float, error: str, *, is_missed: bool
) -> None:
    asked = ramp.Request(at=0.5, words=1024, tokens=2000)
    outcome = Outcome(request=asked, first_token=first_token, ended=ended, error=error)
    assert timeline.missed(outcome, _OBJECTIVE) == is_missed


def test_timeline_has_what_was_seen_in_each_minute() -> None:
    asked = [ramp.Request(at=at, words=1, tokens=2000) for at in (5, 65, 70)]
    outcomes = [
        Outcome(request=asked[0], first_token=7, ended=80),
        Outcome(request=asked[1], first_token=66, ended=140, refusals=1),
        Outcome(request=asked[2], error="model_overloaded", refusals=3),
    ]
    samples = [Sample(10, 2, 2, 1), Sample(70, 2, 3, 2), Sample(110, 3, 3, 4)]
    seen = Seen(outcomes=outcomes, samples=samples)
    first, second = timeline.of_rehearsal(seen, _OBJECTIVE, 2)
    assert (first.missed, first.refused) == (0, 0)
    assert first.first_token == pytest.approx(2)
    assert (second.missed, second.refused, second.turned_away) == (1, 1, 4)
    assert (second.desired, second.in_service, second.in_flight) == (3, 2.5, 3)


def test_simulation_foresees_the_same_ramp() -> None:
    sizing = loads.rehearsed()
    day = simulated(sizing)
    minutes = timeline.of_simulation(day)
    assert len(minutes) == len(ramp.rates(sizing.load.workload)) / 60
    assert max(minute.desired for minute in minutes) == sizing.max_instances
    totals = timeline.totals(minutes, timeline.requests_of(day))
    assert totals["most instances"] == str(sizing.max_instances)
    rings = ringing(day, sizing)
    assert all(len(each) for each in rings.values())
    assert rings["InFlight"][0] <= rings["Refused"][0] < rings["AtMaximum"][0]
