"""Two servers in one, while one takes over from the other: whichever answers has understood."""

from collections.abc import Collection

import msgspec

from invoke_proxy.generation import Chunk, Generation
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.unreadable import GARBAGE
from invoke_proxy.servers.server import Capabilities, Reader, Server


class Either:
    """Asks in the words of both, of which each ignores the other's; does what both can.

    TGI and vLLM have no word in common but `stream`, and mean the same by it.
    """

    def __init__(self, first: Server, second: Server) -> None:
        self._servers = (first, second)
        self.title = f"{first.title} or {second.title}"
        self.fingerprint = f"{first.fingerprint}-or-{second.fingerprint}"
        self.capabilities = _common(first.capabilities, second.capabilities)

    def body(self, generation: Generation) -> bytes:
        """Return a body with the fields of both."""
        first, second = (msgspec.json.decode(each.body(generation)) for each in self._servers)
        return msgspec.json.encode({**first, **second})

    def reader(self, generation: Generation, special_tokens: Collection[str]) -> "EitherReader":
        """Return a decoder for one answer, of either."""
        return EitherReader([each.reader(generation, special_tokens) for each in self._servers])


class EitherReader:
    """Decodes the events of the one whose events they are."""

    def __init__(self, readers: list[Reader]) -> None:
        self._readers = readers

    def read(self, payload: bytes) -> Chunk | None:
        """Return what an event adds, as the first that can read it says."""
        while True:
            reader, *others = self._readers
            try:
                chunk = reader.read(payload)
            except EndpointError as fault:
                if fault.upstream != GARBAGE or not others:
                    raise
                self._readers = others
            else:
                self._readers = [reader]
                return chunk

    def rest(self) -> Chunk | None:
        """Return the end of a stream that breaks off after its last token."""
        return self._readers[0].rest()


def _common(first: Capabilities, second: Capabilities) -> Capabilities:
    hottest = (first.max_temperature, second.max_temperature)
    return Capabilities(
        without_openai=first.without_openai | second.without_openai,
        without_tgi=first.without_tgi | second.without_tgi,
        max_stop_sequences=min(first.max_stop_sequences, second.max_stop_sequences),
        max_top_logprobs=min(first.max_top_logprobs, second.max_top_logprobs),
        max_temperature=min((each for each in hottest if each is not None), default=None),
        shows_ends=first.shows_ends and second.shows_ends,
    )
