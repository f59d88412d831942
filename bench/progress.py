"""Progress on the terminal, on standard error: the results are alone on standard output."""

import sys

from bench.load.arrivals import Load
from bench.load.generator import Snapshot
from bench.options import Options
from bench.results.figures import Figures
from bench.results.table import failures_text

_CLEAR = "\r\x1b[K"


class Progress:
    """A line that changes while a cell is measured, and a line that stays for each cell."""

    def __init__(self, options: Options) -> None:
        self._cells = len(options.words) * len(options.loads)
        self._done = 0

    def watch(self, words: int, load: Load, now: Snapshot) -> None:
        """Show the running cell, where the terminal can change a line."""
        if sys.stderr.isatty():
            text = (
                f"{self._place(words, load)}  {now.phase}, {now.seconds:.0f} s:"
                f" {now.answered} answered, {now.failed} failed, {now.in_flight} in flight"
            )
            print(f"{_CLEAR}{text}", end="", file=sys.stderr, flush=True)

    def measured(self, cell: Figures) -> None:
        """Leave a line for a cell."""
        if cell.stopped:
            result = f"given up: {failures_text(cell) or cell.stopped}; the row ends here"
        else:
            result = (
                f"{cell.output_token_throughput:.1f} tokens/s, "
                f"{cell.time_per_output_token.p50 * 1000:.1f} ms a token, first token after "
                f"{cell.time_to_first_token.p50 * 1000:.0f} ms"
            )
            if cell.is_client_bound:
                result += " (the client may have set these: its CPU was busy or its timers late)"
            if not cell.is_steady:
                result += f" (not steady: {cell.concurrency:.3g} in flight by Little's law)"
        self.say(f"{self._place(cell.input_words, cell.load)}  {result}")
        self._done += 1

    def say(self, text: str) -> None:
        """Leave a line."""
        clear = _CLEAR if sys.stderr.isatty() else ""
        print(f"{clear}{text}", file=sys.stderr, flush=True)

    def _place(self, words: int, load: Load) -> str:
        return f"[{self._done + 1}/{self._cells}] {words} words, {load}"
