"""The batch of an instance.

Its time is counted in tokens: all its requests gain them together, so that an instance needs one
number for its progress and not one a token.
"""

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.fleet import ACTIVE, DRAINING, OFF, Fleet
from simulation.engine.inputs import Requests
from simulation.engine.tournament import NEVER, put

_FEWEST_TOKENS = 8.0


@compiled
def _advance(fleet: Fleet, i: int, now: float, requests: Requests) -> None:
    """Bring an instance's batch to the present."""
    passed = now - fleet.since[i]
    fleet.since[i] = now
    done = min(fleet.stalled[i], passed)
    fleet.stalled[i] -= done
    step = requests.step + requests.per_request * fleet.in_flight[i]
    fleet.gained[i] += (passed - done) / step


@compiled
def _next_to_end(fleet: Fleet, i: int) -> int:
    """Return the place in the batch of the request that ends next."""
    place = 0
    for other in range(1, fleet.in_flight[i]):
        if fleet.ends[i, other] < fleet.ends[i, place]:
            place = other
    return place


@compiled
def _expect_departure(fleet: Fleet, i: int, now: float, requests: Requests) -> None:
    """Set when the instance's next request ends, and its place in the routing."""
    count = fleet.in_flight[i]
    if fleet.state[i] == ACTIVE:
        put(fleet.loads, i, float(count))
    if count == 0:
        put(fleet.departures, i, NEVER)
        if fleet.state[i] == DRAINING:
            fleet.state[i] = OFF
        return
    left = max(fleet.ends[i, _next_to_end(fleet, i)] - fleet.gained[i], 0.0)
    step = requests.step + requests.per_request * count
    put(fleet.departures, i, now + fleet.stalled[i] + left * step)


@compiled
def enter(fleet: Fleet, i: int, now: float, began: float, q: int, requests: Requests) -> None:
    """Put a request into an instance's batch: its prefill stops all of it."""
    _advance(fleet, i, now, requests)
    fleet.stalled[i] += requests.prefill[q]
    place = fleet.in_flight[i]
    tokens = requests.tokens[q]
    if requests.spread > 0:
        squared = requests.spread**2
        tokens = max(_FEWEST_TOKENS, tokens * np.random.gamma(1 / squared, squared))
    fleet.ends[i, place] = fleet.gained[i] + tokens
    fleet.arrived[i, place] = began
    fleet.first[i, place] = now + fleet.stalled[i]
    fleet.tokens[i, place] = tokens
    fleet.in_flight[i] = place + 1
    _expect_departure(fleet, i, now, requests)


@compiled
def leave(fleet: Fleet, i: int, now: float, requests: Requests) -> tuple[float, float, bool]:
    """Take the request that ends out of a batch.

    Return its milliseconds a token, and until its first one, and whether it missed.
    """
    _advance(fleet, i, now, requests)
    count = fleet.in_flight[i]
    place = _next_to_end(fleet, i)
    tokens, first = fleet.tokens[i, place], fleet.first[i, place]
    began = fleet.arrived[i, place]
    step = requests.step + requests.per_request * count
    first_token, late = first + requests.admission_steps * step - began, False
    if requests.late_first_token > 0:
        late, began = first_token > requests.late_first_token, first
    each = (now - began) / tokens
    fleet.in_flight[i] = count - 1
    last = count - 1
    fleet.ends[i, place], fleet.arrived[i, place] = fleet.ends[i, last], fleet.arrived[i, last]
    fleet.first[i, place], fleet.tokens[i, place] = fleet.first[i, last], fleet.tokens[i, last]
    _expect_departure(fleet, i, now, requests)
    return each, first_token, late or each > requests.slow_token
