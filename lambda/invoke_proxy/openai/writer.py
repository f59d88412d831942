"""The base of both of OpenAI's writers: envelopes, events and usage."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
from msgspec import UNSET, UnsetType

from invoke_proxy.openai.answers import Usage
from invoke_proxy.openai.concurrency import collected, merged
from invoke_proxy.openai.pieces import Piece, joined

DONE = b"data: [DONE]\n\n"

_encoder = msgspec.json.Encoder()


@dataclass(kw_only=True)
class Writer(ABC):
    """One request's answers, whole or streamed, under one id."""

    id_prefix: ClassVar[str]
    answer_type: ClassVar[type[Any]]
    chunk_type: ClassVar[type[Any]]

    model: str
    prompt_tokens: int
    with_logprobs: bool
    with_usage: bool
    created: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        self._envelope = self.envelope()
        # Events differ only in what `_event` sets; to build each anew would take longer.
        self._chunk = self.chunk_type(choices=[], **self._envelope)

    def envelope(self) -> dict[str, Any]:
        """Return the members that the answer and all its events share."""
        id_ = f"{self.id_prefix}-{uuid4().hex}"
        return {"id": id_, "created": self.created, "model": self.model}

    @abstractmethod
    def choice(self, index: int, piece: Piece) -> msgspec.Struct:
        """Return a whole answer as a choice."""

    @abstractmethod
    def chunks(self, index: int, piece: Piece) -> Iterable[msgspec.Struct]:
        """Return the choices of a piece of a stream, one per event."""

    async def whole(self, answers: Sequence[AsyncGenerator[Piece]]) -> AsyncGenerator[bytes]:
        """Yield the JSON of all answers, once."""
        pieces = [joined(each) for each in await collected(answers)]
        choices = [self.choice(index, piece) for index, piece in enumerate(pieces)]
        usage = self._usage(sum(piece.generated_tokens for piece in pieces))
        yield _encoder.encode(self.answer_type(choices=choices, usage=usage, **self._envelope))

    async def stream(self, answers: Sequence[AsyncGenerator[Piece]]) -> AsyncGenerator[bytes]:
        """Yield the events of each piece as it arrives, then the usage if it was requested."""
        usage = None if self.with_usage else UNSET
        tokens = 0
        async for index, piece in merged(answers):
            tokens += piece.generated_tokens
            chunks = self.chunks(index, piece)
            yield b"".join(self._event([choice], usage) for choice in chunks)
        if self.with_usage:
            yield self._event([], self._usage(tokens))
        yield DONE

    def _usage(self, completion_tokens: int) -> Usage:
        return Usage.of(self.prompt_tokens, completion_tokens)

    def _event(self, choices: list[Any], usage: Usage | UnsetType | None) -> bytes:
        self._chunk.choices, self._chunk.usage = choices, usage
        return b"data: " + _encoder.encode(self._chunk) + b"\n\n"
