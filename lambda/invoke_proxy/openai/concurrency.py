"""Several generations at once, for `n` and for several prompts."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

_Item = TypeVar("_Item")


async def collected(
    streams: Sequence[AsyncGenerator[list[_Item]]],
) -> list[list[_Item]]:
    """Return the items of each stream; the first that fails ends them all."""
    tasks = [asyncio.create_task(_items(stream)) for stream in streams]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


def merged(streams: Sequence[AsyncGenerator[_Item]]) -> AsyncGenerator[_Item]:
    """Yield the items of all streams as they arrive.

    No stream runs more than one item ahead: while the reader takes no items, the streams wait.
    """
    return streams[0] if len(streams) == 1 else _merged(streams)


async def _merged(streams: Sequence[AsyncGenerator[_Item]]) -> AsyncGenerator[_Item]:
    waiting = {_task(anext(stream)): stream for stream in streams}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                stream = waiting.pop(task)
                try:
                    item = task.result()
                except StopAsyncIteration:
                    continue
                yield item
                waiting[_task(anext(stream))] = stream
    finally:
        await _end(list(waiting))
        for stream in streams:
            await stream.aclose()


async def _items(stream: AsyncGenerator[list[_Item]]) -> list[_Item]:
    async with aclosing(stream) as batches:
        return [item async for batch in batches for item in batch]


def _task(item: Coroutine[Any, Any, _Item]) -> asyncio.Task[_Item]:
    return asyncio.create_task(item)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
