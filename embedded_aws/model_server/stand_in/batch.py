"""One instance: a batch whose steps take what a service model says, `time_scale` times faster.

As in TGI, what waits is let in between two steps, one prompt after the other, while the batch
stands still; an empty batch lets it in at once.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from embedded_aws.core.circumstances import ServiceModel


@dataclass(eq=False)
class _Sequence:
    """An answer of so many tokens; `queue` has 1 for each that comes, and 0 at the end."""

    words: int
    tokens: int
    steps: int = 0
    is_abandoned: bool = False
    queue: asyncio.Queue[int] = field(default_factory=asyncio.Queue)


class Batch:
    """Owns the sequences of one instance; it runs while there are any."""

    def __init__(
        self, model: ServiceModel, time_scale: float, max_running: int | None = None
    ) -> None:
        self._model = model
        self._max_running = max_running  # None: all that come
        self._seconds = 1 / 1000 / time_scale  # of a millisecond of AWS's
        self._waiting: list[_Sequence] = []
        self._running: list[_Sequence] = []
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    async def generate(self, words: int, tokens: int) -> AsyncGenerator[None]:
        """Yield once for each token, when it comes."""
        sequence = _Sequence(words, tokens)
        self._waiting.append(sequence)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            while await sequence.queue.get():
                yield
        finally:
            sequence.is_abandoned = True

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time()
        while len(self):
            clock = await self._admit(clock)
            clock = await self._step(clock)
        self._task = None

    async def _admit(self, clock: float) -> float:
        room = None if self._max_running is None else self._max_running - len(self._running)
        admitted = self._waiting[:room]
        self._waiting = self._waiting[len(admitted) :]
        self._running += admitted
        for sequence in admitted:
            clock = await self._pass(clock, self._prefill(sequence.words))
            sequence.queue.put_nowait(1)
        return clock

    async def _step(self, clock: float) -> float:
        """Pass the steps until the next prompts are let in; the first token came with its own."""
        model, running = self._model, self._running
        each = model.step + model.per_request * len(running)
        clock = await self._pass(clock, model.admission_steps * each)
        for sequence in running:
            before, sequence.steps = sequence.steps, sequence.steps + model.admission_steps
            tokens = sequence.steps // model.steps_a_token
            if tokens > max(before // model.steps_a_token, 1):
                sequence.queue.put_nowait(1)
            if tokens >= sequence.tokens:
                sequence.queue.put_nowait(0)
        self._running = [each for each in running if not self._is_over(each)]
        return clock

    def _is_over(self, sequence: _Sequence) -> bool:
        has_all = sequence.steps >= sequence.tokens * self._model.steps_a_token
        return has_all or sequence.is_abandoned

    def _prefill(self, words: int) -> float:
        return self._model.per_word * words + self._model.per_word_squared * words * words

    async def _pass(self, clock: float, milliseconds: float) -> float:
        """Return the time then; what a busy machine sleeps too long is made up for."""
        until = clock + milliseconds * self._seconds
        await asyncio.sleep(until - asyncio.get_running_loop().time())
        return until
