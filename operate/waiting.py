"""What a deploy waits for: stacks and endpoints that something else is still changing."""

import time
from collections.abc import Callable, Iterable

_MOST_SECONDS = 900  # a container may take 600 to start, and its stack rolls back after that
_POLL_SECONDS = 0.5


def until_settled(describe: Callable[[], Iterable[tuple[str, str]]]) -> None:
    """Block while one of the (name, status) pairs is changing, and say which."""
    deadline = time.monotonic() + _MOST_SECONDS
    told: set[tuple[str, str]] = set()
    while changing := [item for item in describe() if _is_changing(item[1])]:
        for name, status in changing:
            if (name, status) not in told:
                print(f"waiting for {name}, which is {status}", flush=True)
                told.add((name, status))
        if time.monotonic() > deadline:
            raise SystemExit(f"{changing[0][0]} stayed {changing[0][1]} for {_MOST_SECONDS} s")
        time.sleep(_POLL_SECONDS)


def _is_changing(status: str) -> bool:
    in_progress = status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    return in_progress or status in ("Creating", "Updating")
