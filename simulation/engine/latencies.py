"""The latencies of a day, counted: how many answers took which part of what is promised.

Counts are added over any rows of the series, which means and percentiles are not.
"""

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.inputs import Floats

# Of the promise, in one place of the counts; the last one holds whatever took twice as long.
_PLACES_OF_PROMISE = 40
PLACES = 2 * _PLACES_OF_PROMISE


@compiled
def place_of(part: float) -> int:
    """Return where a latency is counted, as a part of the promise."""
    return min(int(part * _PLACES_OF_PROMISE), PLACES - 1)


def percentile(counts: Floats, share: float) -> Floats:
    """Return the latency that a share of each row keeps; not a number where nothing ended."""
    ended = counts.sum(axis=1)
    until = np.cumsum(counts, axis=1)
    wanted = share * ended
    place = np.minimum((until < wanted[:, None] - 1e-9).sum(axis=1), PLACES - 1)
    rows = np.arange(len(counts))
    here = counts[rows, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (wanted - (until[rows, place] - here)) / here
    return np.asarray((place + within) / _PLACES_OF_PROMISE)
