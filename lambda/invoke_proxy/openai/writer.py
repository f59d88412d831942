"""The base of both of OpenAI's writers: envelopes, events and usage."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
from msgspec import UNSET, UnsetType

from invoke_proxy.generation import Chunk
from invoke_proxy.openai.answers import Usage
from invoke_proxy.openai.concurrency import collected, merged
from invoke_proxy.openai.pieces import Piece, Pieces, joined
from invoke_proxy.servers.events import Take

DONE = b"data: [DONE]\n\n"

_ANY_TEXT = "\0"  # In no other member of an event.

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

    async def whole(self, answers: Sequence["Asked"]) -> AsyncGenerator[bytes]:
        """Yield the JSON of all answers, once."""
        streams = [generate(pieces.take) for generate, pieces in answers]
        pieces = [joined(each) for each in await collected(streams)]
        choices = [self.choice(index, piece) for index, piece in enumerate(pieces)]
        usage = self._usage(sum(piece.generated_tokens for piece in pieces))
        yield _encoder.encode(self.answer_type(choices=choices, usage=usage, **self._envelope))

    async def stream(self, answers: Sequence["Asked"]) -> AsyncGenerator[bytes]:
        """Yield the events of what has arrived, then the usage if it was requested.

        An only answer's end comes with all that ends the stream.
        """
        events = [_Events(self, index, pieces) for index, (_, pieces) in enumerate(answers)]
        asked = zip(answers, events, strict=True)
        streams = [generate(each.take) for (generate, _), each in asked]
        alone = events[0] if len(events) == 1 else None
        async with aclosing(merged(streams)) as batches:
            async for batch in batches:
                if alone and alone.ended:
                    batch.append(self._closing(events))
                yield batch[0] if len(batch) == 1 else b"".join(batch)
        if not alone:
            yield self._closing(events)

    def _closing(self, answers: Sequence["_Events"]) -> bytes:
        if not self.with_usage:
            return DONE
        return self.event([], self._usage(sum(each.generated_tokens for each in answers))) + DONE

    def _usage(self, completion_tokens: int) -> Usage:
        return Usage.of(self.prompt_tokens, completion_tokens)

    def event(self, choices: list[Any], usage: Usage | UnsetType | None) -> bytes:
        """Return an event, as bytes."""
        self._chunk.choices, self._chunk.usage = choices, usage
        return b"data: " + _encoder.encode(self._chunk) + b"\n\n"


# How an answer is asked for, and what its pieces are made with.
Asked = tuple[Callable[[Take[Any]], AsyncGenerator[list[Any]]], Pieces]


class _Events:
    """The events of one answer.

    Those that add only text differ in nothing else, so that the bytes around it are kept.
    """

    def __init__(self, writer: Writer, index: int, pieces: Pieces) -> None:
        self._writer = writer
        self._index = index
        self._pieces = pieces
        self._usage = None if writer.with_usage else UNSET
        self._around: tuple[bytes, bytes] | None = None
        self._begun = False
        self.ended = False
        self.generated_tokens = 0

    def take(self, chunk: Chunk, made: list[bytes]) -> bool:
        """Append the events of a chunk's piece; return whether there may be more."""
        pieces: list[Piece] = []
        goes_on = self._pieces.take(chunk, pieces)
        for piece in pieces:
            if self._begun and not piece.finish_reason and not self._writer.with_logprobs:
                made.append(self._with_text(piece.text))
            else:
                made += self._events(piece)
                self._begun = True
            if piece.finish_reason:
                self.ended, self.generated_tokens = True, piece.generated_tokens
        return goes_on

    def _events(self, piece: Piece) -> Iterable[bytes]:
        writer = self._writer
        return [writer.event([each], self._usage) for each in writer.chunks(self._index, piece)]

    def _with_text(self, text: str) -> bytes:
        if self._around is None:
            (event,) = self._events(Piece(_ANY_TEXT))
            before, _, after = event.partition(_encoder.encode(_ANY_TEXT))
            self._around = before, after
        before, after = self._around
        return before + _encoder.encode(text) + after
