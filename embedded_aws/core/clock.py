"""What the embedded AWS does by itself, again and again, in the time of the circumstances."""

import asyncio
import logging
from collections.abc import Callable

from embedded_aws.core import circumstances

_LEAST_SECONDS, _MOST_SECONDS = 0.1, 1  # of a pause, as time passes here
_log = logging.getLogger(__name__)


async def repeat(work: Callable[[], None], seconds: float) -> None:
    """Do `work` at least every so many seconds of AWS's; a failure is logged."""
    while True:
        pause: float = _MOST_SECONDS
        try:
            pause = circumstances.accelerated(seconds)
            work()
        except Exception:  # noqa: BLE001 - the next time may be better, whatever it is
            _log.exception("%s failed", work.__qualname__)
        await asyncio.sleep(min(max(pause, _LEAST_SECONDS), _MOST_SECONDS))
