"""Several generations at once, for `n` and for several prompts."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

_Item = TypeVar("_Item")


async def collected(
    streams: Sequence[AsyncGenerator[_Item]],
) -> list[list[_Item]]:
    """Return the items of each stream; the first that fails ends them all."""
    tasks = [asyncio.create_task(_items(stream)) for stream in streams]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def merged(
    streams: Sequence[AsyncGenerator[_Item]],
) -> AsyncGenerator[tuple[int, _Item]]:
    """Yield the items of all streams as they come, each with its stream's index."""
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for item in only:
                yield 0, item
        return
    queue: asyncio.Queue[tuple[int, _Item] | None] = asyncio.Queue()
    tasks = [
        asyncio.create_task(_relay(index, stream, queue)) for index, stream in enumerate(streams)
    ]
    try:
        for _ in streams:
            while entry := await queue.get():
                yield entry
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        await _end(tasks)


async def _items(stream: AsyncGenerator[_Item]) -> list[_Item]:
    async with aclosing(stream) as items:
        return [item async for item in items]


async def _relay(
    index: int, stream: AsyncGenerator[_Item], queue: "asyncio.Queue[tuple[int, _Item] | None]"
) -> None:
    try:
        async with aclosing(stream) as items:
            async for item in items:
                queue.put_nowait((index, item))
    finally:
        queue.put_nowait(None)


async def _end(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
