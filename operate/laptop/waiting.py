"""Waiting for stacks and endpoints that are still changing."""

from collections.abc import Callable, Iterable

from operate.polling import polled

_MAX_SECONDS = 900  # A container may take 600 to start, and its stack rolls back after that.
_POLL_SECONDS = 0.5


def until_settled(
    describe: Callable[[], Iterable[tuple[str, str]]],
    *,
    every: float = _POLL_SECONDS,
    within: float = _MAX_SECONDS,
) -> None:
    """Block while one of the (name, status) pairs is changing, and print which."""
    told: set[tuple[str, str]] = set()
    changing: list[tuple[str, str]] = []
    for found in polled(describe, every=every, within=within):
        changing = [item for item in found if _is_changing(item[1])]
        if not changing:
            return
        for name, status in changing:
            if (name, status) not in told:
                print(f"waiting for {name}, which is {status}", flush=True)
                told.add((name, status))
    raise SystemExit(f"{changing[0][0]} was still {changing[0][1]} after {within} s")


def _is_changing(status: str) -> bool:
    in_progress = status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    return in_progress or status in ("Creating", "Updating")
