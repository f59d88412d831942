"""Writes a chat's answers as OpenAI's chat completions and their chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from invoke_proxy.openai.answers import (
    AnswerMessage,
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatCompletion,
    ChatLogprobs,
    Delta,
    TokenLogprob,
    TopLogprob,
)
from invoke_proxy.openai.pieces import Piece
from invoke_proxy.openai.writer import Writer
from invoke_proxy.tgi.types import StreamEvent, Token


@dataclass(kw_only=True)
class ChatWriter(Writer):
    """The answers to one chat; in a stream each begins with its role and ends with its reason."""

    id_prefix = "chatcmpl"
    answer_type = ChatCompletion
    chunk_type = ChatChunk

    _begun: set[int] = field(default_factory=set)

    def choice(self, index: int, piece: Piece) -> ChatChoice:
        """Return a whole answer as a choice."""
        message = AnswerMessage(piece.text)
        return ChatChoice(index, message, piece.finish_reason, self._logprobs(piece))

    def chunks(self, index: int, piece: Piece) -> Iterator[ChatChunkChoice]:
        """Yield the role before an answer's first text, and the finish reason after its last."""
        if index not in self._begun:
            self._begun.add(index)
            yield ChatChunkChoice(index, Delta("assistant", ""))
        if piece.text or piece.events:
            delta = Delta(content=piece.text)
            yield ChatChunkChoice(index, delta, logprobs=self._logprobs(piece))
        if piece.finish_reason:
            yield ChatChunkChoice(index, Delta(), piece.finish_reason)

    def _logprobs(self, piece: Piece) -> ChatLogprobs | None:
        if not self.with_logprobs:
            return None
        return ChatLogprobs([_token_logprob(each) for each in piece.events])


def _token_logprob(scored: StreamEvent) -> TokenLogprob:
    return TokenLogprob(
        scored.token.text,
        scored.token.logprob,
        _bytes(scored.token),
        [TopLogprob(top.text, top.logprob, _bytes(top)) for top in scored.top_tokens or ()],
    )


def _bytes(token: Token) -> list[int]:
    return list(token.text.encode())
