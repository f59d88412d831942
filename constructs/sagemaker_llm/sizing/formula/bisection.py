"""Where a condition that holds at first ceases to hold."""

from collections.abc import Callable

_STEPS = 36  # nine digits


def last_true(low: float, high: float, holds: Callable[[float], bool]) -> float:
    """Return the greatest value between the bounds up to which a condition holds."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
