"""What is done before a merge needs it, on a machine of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self


class Ahead:
    """Tasks that one worker does beside the merges, in the order in which they are added."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1)
        self._tasks: dict[str, Future[str]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave out what has not begun."""
        self._worker.shutdown(cancel_futures=True)

    def add(self, name: str, work: Callable[[], str]) -> None:
        """Let the worker do a task when it has done those before."""
        self._tasks[name] = self._worker.submit(work)

    def result(self, name: str) -> str:
        """Return what a task returned, when it is done; raises what it raised."""
        return self._tasks[name].result()
