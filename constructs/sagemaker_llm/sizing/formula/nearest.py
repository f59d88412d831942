"""The nearest objective that is kept, where one that was declared is not."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from .bisection import last_true
from .workload import Objective

MAX_STREAM_SECONDS = 480  # SageMaker ends a response stream after 8 minutes.
_TOKENS, _FIRST = "milliseconds_per_token", "time_to_first_token_seconds"
_MAX_FACTOR = 10.0  # up to which another objective is looked for
_MAX_MILLISECONDS = 10_000
_DIGITS = 3
_IsKept = Callable[[Objective], bool]


def answer_seconds(objective: Objective, output_tokens: int) -> float:
    """Return what an answer takes at the objective."""
    first = objective.time_to_first_token_seconds or 0.0
    return first + output_tokens * objective.milliseconds_per_token / 1000


def nearest(objective: Objective, longest_answer: int, is_kept: _IsKept) -> Objective | None:
    """Return the least change of one promise with which it is kept, or else of both; or None.

    Rounded up to three digits; the longest answer, in tokens, still ends with its stream.
    """
    of_one = [(name,) for name in (_TOKENS, _FIRST) if getattr(objective, name)]
    of_both = [(_TOKENS, _FIRST)] if len(of_one) > 1 else []
    for ways in (of_one, of_both):
        changes = [_change(objective, names, longest_answer, is_kept) for names in ways]
        if found := [change for change in changes if change]:
            return min(found, key=lambda change: change[0])[1]
    return None


def _change(
    objective: Objective, names: Sequence[str], longest_answer: int, is_kept: _IsKept
) -> tuple[float, Objective] | None:
    """Return the least factor of some promises with which the objective is kept, and that one."""
    declared = {name: getattr(objective, name) for name in names}

    def relaxed(factor: float) -> Objective:
        return replace(objective, **{name: factor * each for name, each in declared.items()})

    greatest = _greatest_factor(objective, names, longest_answer)
    if greatest < 1 or not is_kept(relaxed(greatest)):
        return None
    factor = last_true(1.0, greatest, lambda factor: not is_kept(relaxed(factor)))
    rounded = {name: _rounded_up(factor * each) for name, each in declared.items()}
    if any(rounded[name] > greatest * each for name, each in declared.items()):
        return greatest, relaxed(greatest)
    return factor, replace(objective, **rounded)


def _greatest_factor(objective: Objective, names: Sequence[str], longest_answer: int) -> float:
    """Return the greatest factor with which the longest answer still ends with its stream."""
    without = replace(objective, time_to_first_token_seconds=None)
    seconds = {
        _TOKENS: answer_seconds(without, longest_answer),
        _FIRST: objective.time_to_first_token_seconds or 0.0,
    }
    stays = sum(each for name, each in seconds.items() if name not in names)
    grows = sum(seconds[name] for name in names)
    allowed = [_MAX_FACTOR, (MAX_STREAM_SECONDS - stays) / grows]
    if _TOKENS in names:
        allowed.append(_MAX_MILLISECONDS / objective.milliseconds_per_token)
    return min(allowed)


def _rounded_up(value: float) -> float:
    places = _DIGITS - 1 - math.floor(math.log10(value))
    scale = 10.0**places
    return round(math.ceil(value * scale) / scale, max(places, 0))
