"""What the embedded AWS does by itself, again and again, in the time of the circumstances."""

import asyncio
import logging
import time
from collections.abc import Callable

from embedded_aws.core import circumstances

_MIN_SECONDS, _MAX_SECONDS = 0.1, 1  # of a pause: the circumstances may change in it
_log = logging.getLogger(__name__)


async def repeat(work: Callable[[], None], seconds: float) -> None:
    """Do `work` every so many seconds of AWS's; a failure is logged."""
    done = time.monotonic()
    while True:
        wait = _left(done, seconds)
        await asyncio.sleep(min(max(wait, _MIN_SECONDS), _MAX_SECONDS))
        if wait > _MAX_SECONDS:
            continue
        done = time.monotonic()
        try:
            work()
        except Exception:  # noqa: BLE001 - the next time may be better, whatever it is
            _log.exception("%s failed", work.__qualname__)


def _left(since: float, seconds: float) -> float:
    """Return how long it is until so many seconds have passed; what is wrongly set counts as 1."""
    try:
        wait = circumstances.accelerated(seconds)
    except circumstances.CircumstancesError:
        wait = seconds
    return since + wait - time.monotonic()
