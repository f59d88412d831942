"""A generation's chunks as TGI's events, one per token."""

from typing import Literal

import msgspec

from invoke_proxy.generation import Chunk, End, EndReason, Generation, Token
from invoke_proxy.stops import StopCut
from invoke_proxy.tgi_types import StreamDetails, StreamEvent
from invoke_proxy.tgi_types import Token as TgiToken

_REASONS: dict[EndReason, Literal["length", "eos_token", "stop_sequence"]] = {
    "length": "length",
    "end_token": "eos_token",
    "stop_sequence": "stop_sequence",
}
_NO_TOKEN = Token(0, "", special=True)  # The end token of a server that does not show it.

_encoder = msgspec.json.Encoder()


def frame(payload: msgspec.Struct) -> bytes:
    """Return an event as TGI writes it, without a space after `data:`."""
    return b"data:" + _encoder.encode(payload) + b"\n\n"


class Events:
    """An event per token; the last one has the whole text and the details.

    Where the server does not show what ends an answer, each event waits for the next one, because
    any of them may be the last.
    """

    def __init__(self, asked: Generation, *, full_text: bool, shows_ends: bool) -> None:
        self._asked = asked
        self._shows_ends = shows_ends
        self._cut = StopCut(() if shows_ends else asked.stop, keeps_stop=True)
        self._answer = _Answer(asked.prompt if full_text else "", self._cut)
        self._held: StreamEvent | None = None

    def take(self, chunk: Chunk, made: list[StreamEvent]) -> bool:
        """Append a chunk's events; return whether there may be more."""
        self._answer.add(chunk)
        for token in chunk.tokens:
            if self._held:
                made.append(self._held)
            self._held = _event(token, self._asked)
        if self._cut.stopped or chunk.end is not None:
            last = self._held or _event(_NO_TOKEN, self._asked)
            made.append(self._answer.finish(last, chunk.end))
            return False
        if self._held and self._shows_ends:
            made.append(self._held)
            self._held = None
        return True


class _Answer:
    """The text so far, which ends after the first stop sequence."""

    def __init__(self, before: str, cut: StopCut) -> None:
        self._before = before
        self._cut = cut
        self._texts: list[str] = []
        self._count = 0

    def add(self, chunk: Chunk) -> None:
        """Add a chunk's text, of which the cut leaves what comes before the answer's end."""
        self._texts.append(self._cut.feed(chunk.text))
        self._count += chunk.count

    def finish(self, last: StreamEvent, end: End | None) -> StreamEvent:
        """Complete the last event, in TGI's own words where TGI has spoken them."""
        if self._cut.stopped or end is None:
            end = End("stop_sequence")
        text = "".join([*self._texts, self._cut.flush()]) if end.text is None else end.text
        last.generated_text = self._before + text
        last.details = StreamDetails(_REASONS[end.reason], self._count, end.seed)
        return last


def _event(token: Token, asked: Generation) -> StreamEvent:
    event = StreamEvent(_tgi(token))
    if asked.top_tokens:
        event.top_tokens = [_tgi(top) for top in token.alternatives]
    return event


def _tgi(token: Token) -> TgiToken:
    return TgiToken(token.id, token.text, token.logprob, token.special)
