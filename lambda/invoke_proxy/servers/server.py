"""What the proxy knows of a server: its name, what it can do, and its wire."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from invoke_proxy.generation import Chunk, Generation, Token


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a server can do, as data: refusals, OpenAPI document and docs/api.md follow it."""

    # Parameters of OpenAI's and TGI's routes that have no equal at this server.
    without_openai: frozenset[str] = frozenset()
    without_tgi: frozenset[str] = frozenset()
    max_stop_sequences: int
    max_top_logprobs: int
    max_temperature: float | None = None
    # Names what it would skip of a JSON schema without a word.
    skipped_of_schema: Callable[[object], str | None] | None = None
    # Whether an answer contains what ended it: the end token, or on demand the stop sequence.
    shows_ends: bool = True


class Reader(Protocol):
    """Decodes the events of one answer."""

    def read(self, payload: bytes) -> Chunk | None:
        """Return what an event adds; raise EndpointError for an error or garbage."""
        ...

    def rest(self) -> Chunk | None:
        """Return the end of a stream that breaks off after its last token."""
        ...


class Server(Protocol):
    """One server's adapter: a request out, tokens in."""

    @property
    def title(self) -> str:
        """Its name in refusals."""
        ...

    @property
    def fingerprint(self) -> str:
        """OpenAI's `system_fingerprint`."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def body(self, generation: Generation) -> bytes:
        """Return the body of an invocation that streams."""
        ...

    def reader(self, generation: Generation, special_tokens: Collection[str]) -> Reader:
        """Return a decoder for one answer."""
        ...


def spread(text: str, tokens: Sequence[Token]) -> None:
    """Let the texts of tokens join to the chunk's text.

    What a token decodes to alone is not always what it adds: a part of a character adds nothing.
    """
    shown = [token for token in tokens if not token.special]
    if "".join(token.text for token in shown) == text:
        return
    for token in shown:
        token.text = ""
    if shown:
        shown[-1].text = text
