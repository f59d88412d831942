"""Load on a server of known delays, in virtual time: an hour of it takes a moment, exactly."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.load.arrivals import Load
from bench.load.generator import Cell, Limits, Recorded, measure
from bench.load.prompts import prompts
from bench.load.targets import RequestFailedError, Usage
from tests.unit.virtual_clock import run, spend


@dataclass
class Server:
    """Answers each prompt after known times; `lanes` bounds how many at once, the others queue."""

    first_seconds: float = 0.1
    token_seconds: float = 0.02
    lanes: int = 1_000
    fails: Callable[[int], str | None] = lambda _number: None
    name: str = "known delays"
    asked: list[str] = field(default_factory=list)

    async def answer(self, prompt: str, tokens: int, on_text: Callable[[], None]) -> Usage:
        """Answer, once a lane is free."""
        self.asked.append(prompt)
        failure = self.fails(len(self.asked))
        if failure:
            await asyncio.sleep(self.first_seconds)
            raise RequestFailedError(failure)
        async with self._lane():
            await asyncio.sleep(self.first_seconds)
            on_text()
            for _ in range(tokens - 1):
                await asyncio.sleep(self.token_seconds)
                on_text()
        return Usage(len(prompt.split()), tokens)

    def _lane(self) -> asyncio.Semaphore:
        self._lanes = getattr(self, "_lanes", None) or asyncio.Semaphore(self.lanes)
        return self._lanes


def record(
    server: Server,
    load: Load,
    *,
    tokens: int = 11,
    disconnect: float = 0.0,
    seconds: float = 60.0,
    timeout: float = 300.0,
    seconds_a_prompt: float = 0.0,
) -> Recorded:
    """Measure a cell in virtual time."""

    def slowly_written() -> Iterator[str]:
        for prompt in prompts(8, "seed"):
            spend(seconds_a_prompt)
            yield prompt

    cell = Cell(
        target=server,
        prompts=slowly_written(),
        tokens=tokens,
        load=load,
        limits=Limits(
            warm_up_seconds=2,
            min_seconds=seconds,
            min_requests=4,
            max_seconds=max(300, seconds),
            request_timeout_seconds=timeout,
            max_failure_share=0.1,
        ),
        disconnect_share=disconnect,
        seed="seed",
    )
    return run(measure(cell, lambda _snapshot: None))
