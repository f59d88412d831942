"""Waiting for what a probe expects, not much longer than it takes to be refused."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Self

_POLL_SECONDS = 0.1
_MAX_SECONDS = 120
_GRACE_SECONDS = 2.0  # after a refusal: what still comes in spite of it, comes soon


class ProbeError(Exception):
    """What did not work end to end: in the same words each time, and in detail."""

    def __init__(self, what: str, detail: object = "") -> None:
        super().__init__(f"{what}: {detail}" if detail else what)
        self.what = what


class ForbiddenError(ProbeError):
    """Something worked that a policy denies."""


class Patience:
    """How long a probe waits: less when `refusals` says that something was refused meanwhile."""

    def __init__(self, refusals: Callable[[], Sequence[object]]) -> None:
        self._refusals = refusals

    @classmethod
    def unhurried(cls) -> Self:
        """Return one that no refusal shortens."""
        return cls(lambda: ())

    def until(
        self, what: str, condition: Callable[[], Any], *, grace: float = _GRACE_SECONDS
    ) -> Any:
        """Return the first true answer; raises ProbeError when none comes."""
        deadline = time.monotonic() + _MAX_SECONDS
        is_shortened = False
        while not (answer := condition()):
            if not is_shortened and self._refusals():
                deadline, is_shortened = time.monotonic() + grace, True
            if time.monotonic() > deadline:
                raise ProbeError(what)
            time.sleep(_POLL_SECONDS)
        return answer
