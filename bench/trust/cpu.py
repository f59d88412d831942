"""The processor time of a program and all that it starts, over time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

_EVERY_SECONDS = 0.25


class Cpu:
    """Processor seconds by the time of day."""

    def __init__(self, samples: list[tuple[float, float]]) -> None:
        self.samples = samples

    def share(self, begun: float, ended: float) -> float:
        """Return the mean share of a core between two times."""
        inside = [(at, spent) for at, spent in self.samples if begun <= at <= ended]
        if len(inside) < 2:  # noqa: PLR2004 - two ends of an interval
            return 0.0
        (first, before), (last, after) = inside[0], inside[-1]
        return (after - before) / (last - first)


@contextmanager
def watched(process_id: int) -> Iterator[Cpu]:
    """Sample a process and its descendants until the block ends."""
    cpu, ended = Cpu([]), threading.Event()

    def sample() -> None:
        while not ended.wait(_EVERY_SECONDS):
            with suppress(psutil.NoSuchProcess):
                cpu.samples.append((time.time(), _spent(psutil.Process(process_id))))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield cpu
    finally:
        ended.set()
        thread.join()


def _spent(process: psutil.Process) -> float:
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total
