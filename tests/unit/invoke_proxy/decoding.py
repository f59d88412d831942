"""What a server's bytes are decoded to."""

from collections.abc import AsyncGenerator
from unittest.mock import Mock

from invoke_proxy.generation import Chunk
from invoke_proxy.servers.events import Answer, items
from invoke_proxy.servers.server import Reader


async def chunks(parts: AsyncGenerator[bytes], reader: Reader) -> AsyncGenerator[Chunk]:
    """Yield the chunks of an answer, all of which are wanted."""

    def keep(chunk: Chunk, made: list[Chunk]) -> bool:
        made.append(chunk)
        return True

    async for made in items(parts, Answer(reader, Mock(), keep)):
        for chunk in made:
            yield chunk
