"""A server's chunks as the pieces of an OpenAI answer, cut at stop sequences."""

from collections import deque
from collections.abc import Sequence

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


class Pieces:
    """The pieces of one answer; `prefix` is dropped from its start, and `before` comes before it.

    A stop sequence that ends inside a token, where TGI does not see it, ends the generation here.
    With `top_tokens` the pieces have their tokens, each with at most as many alternatives.
    """

    def __init__(
        self,
        *,
        stops: Sequence[str] = (),
        prefix: str = "",
        before: str = "",
        top_tokens: int | None = None,
    ) -> None:
        self._cut = StopCut(stops)
        self._prefix = prefix
        self._before = before
        self._aligned = None if top_tokens is None else _Aligned(top_tokens)
        self._count = 0

    def take(self, chunk: Chunk, made: list[Piece]) -> bool:
        """Append a chunk's piece; return whether there may be more."""
        self._count += chunk.count
        if self._prefix and chunk.text:
            _strip(chunk, self._prefix)
            self._prefix = ""
        cut, aligned, ended = self._cut, self._aligned, chunk.end is not None
        text = cut.feed(chunk.text)
        if ended and not cut.stopped:
            text += cut.flush()
        tokens = aligned.take(chunk, text) if aligned else ()
        if aligned and ended and not cut.stopped:
            tokens = [*tokens, *aligned.rest()]
        if ended or cut.stopped:
            reason = _finish_reason(chunk, stopped=cut.stopped)
            made.append(Piece(self._first(text), tokens, reason, self._count))
            return False
        if text or tokens:
            made.append(Piece(self._first(text), tokens))
        return True

    def _first(self, text: str) -> str:
        text, self._before = self._before + text, ""
        return text


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

    def __init__(self, top_tokens: int) -> None:
        self._top = top_tokens
        self._waiting: deque[tuple[int, Token]] = deque()
        self._received = 0
        self._shown = 0

    def take(self, chunk: Chunk, text: str) -> list[Token]:
        for token in chunk.tokens:
            if not token.special:
                # A server may send more: the token itself, one at least, or those of a tie.
                token.alternatives = token.alternatives[: self._top]
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
