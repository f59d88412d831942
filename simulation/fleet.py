"""The instances of an endpoint, and the batch of each.

Time of a batch is counted in tokens: all its requests gain them together, so that an instance needs
one number for its progress and not one a token.
"""

import math
from typing import NamedTuple

import numpy as np

from simulation.compiled import compiled
from simulation.inputs import Floats, Integers, Policy, Requests
from simulation.tournament import NEVER, least_leaf, new_tree, put

OFF, STARTING, ACTIVE, DRAINING = 0, 1, 2, 3
_ACTIVE, _STARTING = 0, 1
_FEWEST_TOKENS = 8.0


class Fleet(NamedTuple):
    """Arrays by instance; those of a request are by instance and place in its batch."""

    counts: Integers  # of active and starting instances
    state: Integers
    ready: Floats
    active: Integers  # the numbers of the active ones
    position: Integers  # of each among them
    departures: Floats  # trees: when the next request ends, and the requests in flight
    loads: Floats
    in_flight: Integers
    gained: Floats  # tokens that each request of the batch has gained so far
    stalled: Floats  # milliseconds of prefill that are still to be done
    since: Floats
    ends: Floats  # by the tokens gained
    arrived: Floats
    first: Floats  # when the prefill is done
    tokens: Floats


@compiled
def new_fleet(policy: Policy) -> Fleet:
    """Return a fleet without instances."""
    most, limit = int(policy.maximum), int(policy.limit)
    return Fleet(
        np.zeros(2, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        new_tree(most),
        new_tree(most),
        np.zeros(most, np.int64),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros((most, limit)),
        np.zeros((most, limit)),
        np.zeros((most, limit)),
        np.zeros((most, limit)),
    )


@compiled
def activate(fleet: Fleet, i: int) -> None:
    """Let an instance take requests."""
    count = fleet.counts[_ACTIVE]
    fleet.state[i], fleet.active[count], fleet.position[i] = ACTIVE, i, count
    fleet.counts[_ACTIVE] = count + 1
    put(fleet.loads, i, float(fleet.in_flight[i]))


@compiled
def start_seconds(policy: Policy) -> float:
    """Return how long an instance takes to start, at random."""
    spread = policy.start_most - policy.start_least
    return policy.start_least + spread * np.random.random()


@compiled
def start(fleet: Fleet, number: int, now: float, policy: Policy) -> float:
    """Start instances; return when the last of them is ready."""
    last = now
    for i in range(len(fleet.state)):
        if number > 0 and fleet.state[i] == OFF:
            fleet.state[i] = STARTING
            fleet.ready[i] = now + 1000.0 * start_seconds(policy)
            last = max(last, fleet.ready[i])
            fleet.counts[_STARTING] += 1
            number -= 1
    return last


@compiled
def admit_ready(fleet: Fleet, now: float) -> None:
    """Let the instances that have started take requests."""
    for i in range(len(fleet.state)):
        if fleet.state[i] == STARTING and fleet.ready[i] <= now:
            fleet.counts[_STARTING] -= 1
            activate(fleet, i)


@compiled
def activate_at_once(fleet: Fleet, number: int) -> None:
    """Let instances take requests without a start: the first ones, and an oracle's."""
    for i in range(len(fleet.state)):
        if number > 0 and (fleet.state[i] == OFF or fleet.state[i] == DRAINING):
            activate(fleet, i)
            number -= 1


@compiled
def remove(fleet: Fleet, number: int) -> None:
    """Take the idlest instances out of the routing; they end what they have."""
    for _ in range(min(number, fleet.counts[_ACTIVE])):
        i = least_leaf(fleet.loads)
        put(fleet.loads, i, NEVER)
        last = fleet.counts[_ACTIVE] - 1
        place, moved = fleet.position[i], fleet.active[last]
        fleet.active[place], fleet.position[moved] = moved, place
        fleet.counts[_ACTIVE] = last
        fleet.state[i] = DRAINING if fleet.in_flight[i] > 0 else OFF


@compiled
def advance(fleet: Fleet, i: int, now: float, requests: Requests) -> None:
    """Bring an instance's batch to the present."""
    passed = now - fleet.since[i]
    fleet.since[i] = now
    done = min(fleet.stalled[i], passed)
    fleet.stalled[i] -= done
    step = requests.step + requests.per_request * fleet.in_flight[i]
    fleet.gained[i] += (passed - done) / step


@compiled
def next_to_end(fleet: Fleet, i: int) -> int:
    """Return the place in the batch of the request that ends next."""
    place = 0
    for other in range(1, fleet.in_flight[i]):
        if fleet.ends[i, other] < fleet.ends[i, place]:
            place = other
    return place


@compiled
def expect_departure(fleet: Fleet, i: int, now: float, requests: Requests) -> None:
    """Set when the instance's next request ends, and its place in the routing."""
    count = fleet.in_flight[i]
    if fleet.state[i] == ACTIVE:
        put(fleet.loads, i, float(count))
    if count == 0:
        put(fleet.departures, i, NEVER)
        if fleet.state[i] == DRAINING:
            fleet.state[i] = OFF
        return
    left = max(fleet.ends[i, next_to_end(fleet, i)] - fleet.gained[i], 0.0)
    step = requests.step + requests.per_request * count
    put(fleet.departures, i, now + fleet.stalled[i] + left * step)


@compiled
def enter(fleet: Fleet, i: int, now: float, began: float, q: int, requests: Requests) -> None:
    """Put a request into an instance's batch: its prefill stops all of it."""
    advance(fleet, i, now, requests)
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
    expect_departure(fleet, i, now, requests)


@compiled
def leave(fleet: Fleet, i: int, now: float, requests: Requests) -> tuple[float, bool]:
    """Take the request that ends out of a batch; return its ms a token, and whether it missed."""
    advance(fleet, i, now, requests)
    count = fleet.in_flight[i]
    place = next_to_end(fleet, i)
    tokens, first = fleet.tokens[i, place], fleet.first[i, place]
    began = fleet.arrived[i, place]
    step = requests.step + requests.per_request * count
    late = False
    if requests.late_first_token > 0:
        late = first + requests.admission_steps * step - began > requests.late_first_token
        began = first
    each = (now - began) / tokens
    fleet.in_flight[i] = count - 1
    last = count - 1
    fleet.ends[i, place], fleet.arrived[i, place] = fleet.ends[i, last], fleet.arrived[i, last]
    fleet.first[i, place], fleet.tokens[i, place] = fleet.first[i, last], fleet.tokens[i, last]
    expect_departure(fleet, i, now, requests)
    return each, late or each > requests.slow_token


@compiled
def in_flight_of(fleet: Fleet) -> tuple[float, float]:
    """Return the most requests of an active instance, and those of all."""
    busiest, total = 0, 0
    for place in range(fleet.counts[_ACTIVE]):
        count = fleet.in_flight[fleet.active[place]]
        busiest, total = max(busiest, count), total + count
    return float(busiest), float(total)


@compiled
def next_arrival(now: float, rate: Floats) -> float:
    """Return when the next request comes, by a rate that changes each second; NEVER at the end."""
    left, second = -math.log(1.0 - np.random.random()), int(now // 1000.0)
    while second < len(rate):
        each, remaining = rate[second] / 1000.0, (second + 1) * 1000.0 - now
        if each * remaining >= left:
            return float(now + left / each)
        left -= each * remaining
        second += 1
        now = second * 1000.0
    return NEVER
