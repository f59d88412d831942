"""Looks at something again and again: the verbs' one poll loop."""

import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def polled(look: Callable[[], T], *, every: float, within: float = math.inf) -> Iterator[T]:
    """Yield what `look` returns, `every` so many seconds, until `within` seconds have passed.

    It looks once at least, and yields one last look after the time has passed.
    """
    deadline = time.monotonic() + within
    yield look()
    while time.monotonic() < deadline:
        time.sleep(every)
        yield look()
