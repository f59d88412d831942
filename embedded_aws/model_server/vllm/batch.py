"""What one request generates: its sequences, side by side."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from embedded_aws.model_server.errors import EngineError
from embedded_aws.model_server.vllm.bodies import ChatRequest, CompletionRequest
from embedded_aws.model_server.vllm.errors import failed
from embedded_aws.model_server.vllm.sequence import Step


class Generates(Protocol):
    """One sequence."""

    @property
    def prompt(self) -> list[int]:
        """The tokens that it goes on from."""
        ...

    def steps(self) -> AsyncGenerator[Step]:
        """Yield each step, the last with how it ended; raises EngineError."""
        ...


@dataclass(frozen=True)
class Batch:
    """What one request generates: `n` sequences of each prompt, in this order."""

    prompts: list[list[int]]
    generations: Sequence[Generates]

    @property
    def prompt_tokens(self) -> int:
        """The tokens of all prompts."""
        return sum(map(len, self.prompts))

    async def run_whole(self) -> list[list[Step]]:
        """Return the steps of each sequence; raises VllmError."""
        steps: list[list[Step]] = [[] for _ in self.generations]
        async with aclosing(self.run()) as run:
            async for index, step in run:
                steps[index].append(step)
        return steps

    async def run(self) -> AsyncGenerator[tuple[int, Step]]:
        """Yield the steps of all sequences as they come, each with its number; raises VllmError."""
        send, receive = anyio.create_memory_object_stream[tuple[int, Step]]()
        try:
            async with anyio.create_task_group() as tasks, receive:
                async with send:
                    for index, generation in enumerate(self.generations):
                        tasks.start_soon(_run, index, generation, send.clone())
                async for step in receive:
                    yield step
        except* EngineError as failures:
            raise failed(str(failures.exceptions[0])) from None


class Prepares(Protocol):
    """What takes requests, each as its sequences; raises VllmError."""

    @property
    def names(self) -> list[str]:
        """The names that requests may give as their model."""
        ...

    @property
    def max_model_len(self) -> int:
        """The most tokens of a prompt and its answer."""
        ...

    async def complete(self, body: CompletionRequest) -> Batch:
        """Return the sequences of a completion."""
        ...

    async def chat(self, body: ChatRequest) -> Batch:
        """Return the sequences of a chat."""
        ...


async def _run(
    index: int, generation: Generates, out: MemoryObjectSendStream[tuple[int, Step]]
) -> None:
    steps = generation.steps()
    async with out, aclosing(steps):
        async for step in steps:
            await out.send((index, step))
