"""Cuts an answer at its first stop sequence, however its text is chunked."""

from collections.abc import Sequence


class StopCut:
    """Passes text on, holding back what may be the start of a stop sequence.

    With `keeps_stop` the sequence that cuts is shown, as TGI shows it.
    """

    def __init__(self, stops: Sequence[str], *, keeps_stop: bool = False) -> None:
        self._stops = stops
        self._keeps_stop = keeps_stop
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """Return the text that is safe to show; the sequence that completes first cuts."""
        if not self._stops:
            return text
        text = self._held + text
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            end, start = min(found)
            return text[: end if self._keeps_stop else start]
        shown = len(text) - max(_overlap(text, stop) for stop in self._stops)
        self._held = text[shown:]
        return text[:shown]

    def flush(self) -> str:
        """Return the text that was held back, at the end of the answer."""
        held, self._held = self._held, ""
        return held


def matches_over(prefix: str, stop: str) -> bool:
    """Return whether a stop sequence can match a text so that a part of its prefix is matched."""
    return stop in prefix or _overlap(prefix, stop) > 0


def _overlap(text: str, stop: str) -> int:
    """Return the length of the text's end that is the stop sequence's start."""
    size_limit = min(len(text), len(stop) - 1)
    return next((size for size in range(size_limit, 0, -1) if text.endswith(stop[:size])), 0)
