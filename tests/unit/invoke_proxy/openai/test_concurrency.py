"""Several generations at once: none runs ahead of who reads, and all end together."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import pytest

from invoke_proxy.openai.concurrency import merged


class Streams:
    """Endless streams that count what they have made, and whether they are open."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        self.open: set[str] = set()

    async def stream(self, name: str, fault_after: int | None = None) -> AsyncGenerator[str]:
        self.open.add(name)
        try:
            while True:
                if self.made[name] == fault_after:
                    raise ConnectionError(name)
                self.made[name] += 1
                yield name
                await asyncio.sleep(0)
        finally:
            self.open.remove(name)


@pytest.mark.parametrize("names", ["a", "abc"])
async def test_no_stream_runs_ahead_of_its_reader(names: str) -> None:
    streams = Streams()
    items = merged([streams.stream(name) for name in names])
    for taken in range(1, 5):
        await anext(items)
        await asyncio.sleep(0.01)
        assert streams.made.total() <= taken + len(names)
    await items.aclose()
    assert not streams.open


async def test_every_item_comes_in_the_order_of_its_stream() -> None:
    async def stream(*items: str) -> AsyncGenerator[str]:
        for item in items:
            await asyncio.sleep(0)
            yield item

    got = [each async for each in merged([stream("a", "b", "c"), stream(), stream("d")])]
    assert [item for item in got if item != "d"] == ["a", "b", "c"]
    assert len(got) == 4


async def test_a_stream_that_fails_ends_them_all() -> None:
    streams = Streams()
    items = merged([streams.stream("a"), streams.stream("b", fault_after=3)])
    with pytest.raises(ConnectionError):
        async for _ in items:
            pass
    assert not streams.open
