"""The picture of a rehearsal: load, instances, first token and what missed, minute by minute."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from operate.scaling import ramp
from operate.scaling.timeline import Minute
from sagemaker_llm.sizing.sizing import Sizing

_SEEN, _FORESEEN, _GREY = "#0f8b8d", "#c8553d", "#7b8494"
_TICK_MINUTES = 10


def draw(sizing: Sizing, seen: Sequence[Minute], foreseen: Sequence[Minute], path: Path) -> None:
    """Write the picture as SVG."""
    with rc_context({"svg.hashsalt": "rehearsal", "font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=(8, 9), layout="constrained")
        load, fleet, first, late = figure.subplots(4, 1, sharex=True)
        load.plot([m.offered for m in seen], color=_SEEN, label="rehearsed")
        load.plot([m.offered for m in foreseen], color=_FORESEEN, label="simulated")
        load.set_ylabel("requests/s")
        fleet.step(range(len(seen)), [m.desired for m in seen], color=_SEEN)
        in_service = [m.in_service for m in seen]
        fleet.step(range(len(seen)), in_service, color=_SEEN, linestyle=":", label="in service")
        fleet.step(range(len(foreseen)), [m.desired for m in foreseen], color=_FORESEEN)
        fleet.set_ylabel("instances desired")
        first.plot([m.first_token for m in seen], color=_SEEN)
        first.axhline(
            sizing.load.objective.time_to_first_token_seconds or 0, color=_GREY, linestyle=":"
        )
        first.set_ylabel("s to first token, p99")
        for minutes, color in ((seen, _SEEN), (foreseen, _FORESEEN)):
            late.plot(np.cumsum([m.missed for m in minutes]), color=color)
        late.set_ylabel("missed the promise, so far")
        late.set_xticks(ticks := range(0, len(seen), _TICK_MINUTES), map(ramp.named, ticks))
        for axes in (load, fleet, first, late):
            axes.set_ylim(bottom=0)
        load.legend(frameon=False)
        fleet.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
