"""A server's chunks as the pieces of an OpenAI answer, cut at stop sequences."""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from invoke_proxy.generation import Chunk, Token
from invoke_proxy.openai.answers import FinishReason
from invoke_proxy.stops import StopCut


class Piece(msgspec.Struct):
    """A chunk of generated text; the last one carries the finish reason.

    `tokens` holds the tokens of the text, where they are asked for.
    """

    text: str
    tokens: Sequence[Token] = ()
    finish_reason: FinishReason | None = None
    generated_tokens: int = 0


async def answer(
    chunks: AsyncGenerator[Chunk],
    *,
    stops: Sequence[str] = (),
    prefix: str = "",
    with_tokens: bool = False,
) -> AsyncGenerator[Piece]:
    """Yield the pieces of an answer; `prefix` is dropped from its start.

    A stop sequence that ends inside a token, where TGI does not see it, ends the generation here.
    """
    cut = StopCut(stops)
    aligned = _Aligned() if with_tokens else None
    count = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            count += chunk.count
            if prefix and chunk.text:
                _strip(chunk, prefix)
                prefix = ""
            text = cut.feed(chunk.text)
            ended = chunk.end is not None
            if ended and not cut.stopped:
                text += cut.flush()
            piece = Piece(text, aligned.take(chunk, text) if aligned else ())
            if aligned and ended and not cut.stopped:
                piece.tokens = [*piece.tokens, *aligned.rest()]
            if ended or cut.stopped:
                piece.generated_tokens = count
                piece.finish_reason = _finish_reason(chunk, stopped=cut.stopped)
                yield piece
            elif text or piece.tokens:
                yield piece
            if cut.stopped and not ended:
                return  # This closes, and so cancels, the generation.


def _strip(chunk: Chunk, prefix: str) -> None:
    """Drop the prefix from the text, its first token, and that token's alternatives."""
    chunk.text = chunk.text.removeprefix(prefix)
    first = next((token for token in chunk.tokens if token.text and not token.special), None)
    if first:
        for token in (first, *first.alternatives):
            token.text = token.text.removeprefix(prefix)


def _finish_reason(chunk: Chunk, *, stopped: bool) -> FinishReason:
    end = chunk.end
    if stopped or end is None or end.reason != "length" or end.at_end_token:
        return "stop"
    return "length"


class _Aligned:
    """Releases each token with the text that it starts in, which a stop sequence may hold back."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Token]] = deque()
        self._received = 0
        self._shown = 0

    def take(self, chunk: Chunk, text: str) -> list[Token]:
        for token in chunk.tokens:
            if not token.special:
                self._waiting.append((self._received, token))
                self._received += len(token.text)
        self._shown += len(text)
        taken = []
        while self._waiting and self._waiting[0][0] < self._shown:
            taken.append(self._waiting.popleft()[1])
        return taken

    def rest(self) -> list[Token]:
        """Return the last tokens, which have no text."""
        return [token for _, token in self._waiting]


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return a whole answer as one piece."""
    last = pieces[-1]
    return Piece(
        text="".join(piece.text for piece in pieces),
        tokens=[token for piece in pieces for token in piece.tokens],
        finish_reason=last.finish_reason,
        generated_tokens=last.generated_tokens,
    )
