"""The instances of an endpoint, and which of them takes the next request."""

from typing import NamedTuple

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.inputs import Floats, Integers, Policy
from simulation.engine.tournament import NEVER, least_leaf, new_tree, put

OFF, STARTING, ACTIVE, DRAINING = 0, 1, 2, 3
_ACTIVE, _STARTING = 0, 1


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
def in_flight_of(fleet: Fleet) -> tuple[float, float]:
    """Return the most requests of an active instance, and those of all."""
    busiest, total = 0, 0
    for place in range(fleet.counts[_ACTIVE]):
        count = fleet.in_flight[fleet.active[place]]
        busiest, total = max(busiest, count), total + count
    return float(busiest), float(total)
