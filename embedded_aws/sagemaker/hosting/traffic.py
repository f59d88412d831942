"""Which containers of an endpoint get its requests, in what shares, and how many they work on.

A container stands for all instances of its fleet: each request goes to the instance that works on
the fewest, as `LEAST_OUTSTANDING_REQUESTS` has it.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from embedded_aws.core.emulator import account_id, region
from embedded_aws.sagemaker.hosting import fleets
from embedded_aws.sagemaker.hosting.containers import Container

Key = tuple[str, str, str]
_POLL_SECONDS = 0.05

_routes: dict[Key, list[tuple[Container, float]]] = {}
_turns: Counter[Key] = Counter()
_in_flight: dict[Container, Counter[int]] = {}
_draining: set[Container] = set()
_lock = threading.Lock()


class Turn(NamedTuple):
    """What one request goes to: an instance, by its number, of all that a container stands for."""

    container: Container
    instance: int
    instances: int


def key_of(endpoint_name: str) -> Key:
    """Return what stands for an endpoint of the current account and region."""
    return account_id(), region(), endpoint_name


def serving(key: Key) -> Container | None:
    """Return the container that serves the endpoint, the old one during an update."""
    routes = _routes.get(key)
    return routes[0][0] if routes else None


def routed() -> list[Key]:
    """Return what stands for each endpoint that serves."""
    return list(_routes)


def route(key: Key, *shares: tuple[Container, float]) -> None:
    """Divide the endpoint's requests; the shares add up to 1."""
    _routes[key] = list(shares)
    _turns[key] = 0


def drop(key: Key) -> None:
    """Serve the endpoint no more, and stop its containers."""
    for container, _share in _routes.pop(key, []):
        container.stop()


@contextmanager
def request(endpoint_name: str) -> Iterator[Turn | None]:
    """Take the container and the instance whose turn it is; None when none serves."""
    key = key_of(endpoint_name)
    with _lock:
        turn = _turn(key)
        if turn:
            _in_flight.setdefault(turn.container, Counter())[turn.instance] += 1
    try:
        yield turn
    finally:
        if turn:
            with _lock:
                _in_flight.get(turn.container, Counter())[turn.instance] -= 1


def _turn(key: Key) -> Turn | None:
    if (container := _next(key)) is None:
        return None
    counts, instances = _in_flight.get(container, Counter()), fleets.instance_count(key[2])
    return Turn(container, min(range(instances), key=lambda each: counts[each]), instances)


def _next(key: Key) -> Container | None:
    routes = _routes.get(key)
    if not routes:
        return None
    turn, share = _turns[key], routes[-1][1]
    _turns[key] += 1
    is_last = int((turn + 1) * share) > int(turn * share)  # evenly, whatever the share
    return routes[-1][0] if is_last else routes[0][0]


def in_flight(endpoint_name: str) -> list[int]:
    """Return how many requests each instance works on that is in routing."""
    containers = [each for each, _share in _routes.get(key_of(endpoint_name), [])]
    with _lock:
        return [
            sum(_in_flight.get(each, Counter())[instance] for each in containers)
            for instance in range(fleets.instance_count(endpoint_name))
        ]


def is_busy(container: Container) -> bool:
    """Return whether a container works on more than the request at hand."""
    return _works_on(container) > 1


def retire(container: Container) -> None:
    """Stop a container that gets no more requests, once it has answered those that it has.

    As on AWS it has half a minute for them: what should take longer is cut.
    """
    _draining.add(container)
    threading.Thread(target=_drain, args=(container,), daemon=True).start()


def _drain(container: Container) -> None:
    deadline = time.monotonic() + container.grace_seconds
    while _works_on(container) > 0 and time.monotonic() < deadline and container in _draining:
        time.sleep(_POLL_SECONDS)
    _in_flight.pop(container, None)
    if container in _draining:
        _draining.discard(container)
        container.stop()


def _works_on(container: Container) -> int:
    with _lock:
        return _in_flight.get(container, Counter()).total()


def stop_all() -> None:
    """Stop every container."""
    for key in list(_routes):
        drop(key)
    while _draining:
        _draining.pop().stop()
