"""Several generations at once, for `n` and for several prompts."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

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
    """Yield the items of all streams as they arrive, each with its stream's index.

    No stream runs more than one item ahead: while the reader takes no items, the streams wait.
    """
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for item in only:
                yield 0, item
        return
    waiting = {_task(anext(stream)): index for index, stream in enumerate(streams)}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                index = waiting.pop(task)
                try:
                    item = task.result()
                except StopAsyncIteration:
                    continue
                yield index, item
                waiting[_task(anext(streams[index]))] = index
    finally:
        await _end(list(waiting))
        for stream in streams:
            await stream.aclose()


async def _items(stream: AsyncGenerator[_Item]) -> list[_Item]:
    async with aclosing(stream) as items:
        return [item async for item in items]


def _task(item: Coroutine[Any, Any, _Item]) -> asyncio.Task[_Item]:
    return asyncio.create_task(item)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
