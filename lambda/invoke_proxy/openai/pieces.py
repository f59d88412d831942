"""TGI's tokens as the pieces of an OpenAI answer, without stop sequences and special tokens."""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.openai.answers import FinishReason
from invoke_proxy.openai.stops import StopCut
from invoke_proxy.tgi.types import StreamEvent

_FINISH: dict[str, FinishReason] = {
    "length": "length",
    "eos_token": "stop",
    "stop_sequence": "stop",
}


class Piece(msgspec.Struct):
    """A chunk of generated text; the last one carries the finish reason.

    `events` holds the tokens of the text, where they are asked for.
    """

    text: str
    events: Sequence[StreamEvent] = ()
    finish_reason: FinishReason | None = None
    generated_tokens: int = 0


async def answer(
    events: AsyncGenerator[StreamEvent],
    *,
    stops: Sequence[str] = (),
    prefix: str = "",
    with_events: bool = False,
) -> AsyncGenerator[Piece]:
    """Yield the pieces of an answer; `prefix` is dropped from its start.

    A stop sequence that ends inside a token, where TGI does not see it, ends the generation here.
    """
    cut = StopCut(stops)
    aligned = _Aligned() if with_events else None
    count = 0
    async with aclosing(events):
        async for event in events:
            count += 1
            if prefix and event.token.text:
                _strip(event, prefix)
                prefix = ""
            raw = "" if event.token.special else event.token.text
            text = cut.feed(raw)
            ended = event.generated_text is not None
            if ended and not cut.stopped:
                text += cut.flush()
            piece = Piece(text, aligned.take(event, raw, text) if aligned else ())
            if aligned and ended and not cut.stopped:
                piece.events = [*piece.events, *aligned.rest()]
            if ended or cut.stopped:
                yield _last(piece, event, count, stopped=cut.stopped)
            elif piece.text:
                yield piece
            if cut.stopped and not ended:
                return  # This closes, and so cancels, the generation.


def _strip(event: StreamEvent, prefix: str) -> None:
    """Drop the prefix from the first token, and from its alternatives."""
    for token in (event.token, *(event.top_tokens or ())):
        token.text = token.text.removeprefix(prefix)


def _last(piece: Piece, event: StreamEvent, count: int, *, stopped: bool) -> Piece:
    details = event.details
    if details:
        piece.generated_tokens = details.generated_tokens
        # TGI says `length` where the end token is the last one allowed.
        ended = stopped or event.token.special
        piece.finish_reason = "stop" if ended else _FINISH[details.finish_reason]
    elif stopped:
        piece.generated_tokens = count
        piece.finish_reason = "stop"
    else:
        raise EndpointError("model_error", "an end without details")
    return piece


class _Aligned:
    """Releases each token with the text that it starts in, which a stop sequence may hold back."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, StreamEvent]] = deque()
        self._received = 0
        self._shown = 0

    def take(self, event: StreamEvent, raw: str, text: str) -> list[StreamEvent]:
        if not event.token.special:
            self._waiting.append((self._received, event))
        self._received += len(raw)
        self._shown += len(text)
        taken = []
        while self._waiting and self._waiting[0][0] < self._shown:
            taken.append(self._waiting.popleft()[1])
        return taken

    def rest(self) -> list[StreamEvent]:
        """Return the last tokens, which have no text."""
        return [event for _, event in self._waiting]


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return a whole answer as one piece."""
    last = pieces[-1]
    return Piece(
        text="".join(piece.text for piece in pieces),
        events=[event for piece in pieces for event in piece.events],
        finish_reason=last.finish_reason,
        generated_tokens=last.generated_tokens,
    )
