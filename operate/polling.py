"""The verbs' one poll loop."""

import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def polled(look: Callable[[], T], *, every: float, within: float = math.inf) -> Iterator[T]:
    """Yield what `look` returns: once, then `every` so many seconds until `within` have passed.

    The last look comes after that time.
    """
    deadline = time.monotonic() + within
    yield look()
    while time.monotonic() < deadline:
        time.sleep(every)
        yield look()
