"""The process of `make rehearse-scaling`, in an embedded AWS of its own."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import app  # isort: skip  # first: it makes the imports below find their packages

from operate.scaling import picture, ramp, timeline
from operate.scaling.foreseen import simulated
from operate.scaling.rehearsal import Rehearsal
from operate.scaling.timeline import Minute, Seen
from sagemaker_llm.sizing.sizing import Sizing
from simulation.alarms import ringing

_PICTURE = Path("build") / "plan" / "rehearsal.svg"
_EVERY_MINUTES = 2  # a line of the timeline


def main(time_scale: int) -> None:
    """Deploy, send the ramp, and print what happened beside what the simulation foresaw."""
    environment = app.declared()["Local"]()
    assert environment.sizing  # noqa: S101 - LOCAL_LOAD declares it
    sizing, began = environment.sizing, time.monotonic()
    rehearsal = Rehearsal(sizing, time_scale)
    deployment = rehearsal.deploy()
    deployed = time.monotonic()
    print(f"deployed in {deployed - began:.0f} s; the ramp begins", flush=True)
    seen, day = rehearsal.run(deployment), simulated(sizing)
    ended = time.monotonic()
    foreseen = timeline.of_simulation(day)
    rehearsed = timeline.of_rehearsal(seen, sizing.load.objective, len(foreseen))
    rings = ringing(day, sizing)
    for line in (*_table(rehearsed, foreseen), "", *seen.activities, "", *seen.alarms, ""):
        print(line)
    for alarm, minutes in rings.items():
        when = f"from {ramp.named(minutes[0])} on" if len(minutes) else "never"
        print(f"simulated, {alarm} rings {when}")
    both = [
        timeline.totals(rehearsed, len(seen.outcomes)),
        timeline.totals(foreseen, timeline.requests_of(day)),
    ]
    errors = Counter(outcome.error for outcome in seen.outcomes if outcome.error)
    print(f"errors: {dict(errors)}")
    for name in both[0]:
        print(f"{name:<26} {both[0][name]:>10} rehearsed {both[1][name]:>10} simulated")
    _PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.draw(sizing, rehearsed, foreseen, _PICTURE)
    print(f"\n{_PICTURE} shows both; the ramp took {ended - deployed:.0f} s")
    if lacking := list(_lacking(seen, rehearsed, sizing, rings)):
        raise SystemExit("\n".join(lacking))


def _table(rehearsed: Sequence[Minute], foreseen: Sequence[Minute]) -> Iterator[str]:
    yield "time   requests/s  in flight  in service  desired (simulated)  first token  missed  429s"
    for number in range(0, len(rehearsed), _EVERY_MINUTES):
        minute, other = rehearsed[number], foreseen[number]
        first = "" if minute.first_token is None else f"{minute.first_token:.1f} s"
        yield (
            f"{ramp.named(number)}  {minute.offered:10.2f} {minute.in_flight:10.0f}"
            f" {minute.in_service:11.1f} {minute.desired:8.0f} {f'({other.desired:.0f})':>11}"
            f" {first:>12} {minute.missed:7} {minute.turned_away:5}"
        )


def _lacking(
    seen: Seen, rehearsed: Sequence[Minute], sizing: Sizing, alarms: Iterable[str]
) -> Iterator[str]:
    """Yield which part of the plan has not done what it is there for."""
    causes = " ".join(seen.activities)
    for words in ("minimum capacity was set", "policy ConcurrentRequestsPerModel"):
        if words not in causes:
            yield f"scaling must show {words!r}, got {causes}"
    most = max(minute.desired for minute in rehearsed)
    if most != sizing.max_instances:
        yield f"the fleet must grow to {sizing.max_instances}, got {most:.0f}"
    for alarm in alarms:
        if not any(alarm in each and "OK to ALARM" in each for each in seen.alarms):
            yield f"the alarm {alarm} must ring, got {seen.alarms}"
    if not any(minute.turned_away for minute in rehearsed):
        yield "what is too much must be refused with a Retry-After"


if __name__ == "__main__":
    main(int(sys.argv[1]))
