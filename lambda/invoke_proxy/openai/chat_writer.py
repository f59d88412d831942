"""Writes a chat's answers as OpenAI's chat completions and their chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from invoke_proxy.generation import Token
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


@dataclass(kw_only=True)
class ChatWriter(Writer):
    """The answers to one chat; in a stream each begins with its role and ends with its reason."""

    id_prefix = "chatcmpl"
    answer_type = ChatCompletion
    chunk_type = ChatChunk

    fingerprint: str

    _begun: set[int] = field(default_factory=set)

    def envelope(self) -> dict[str, Any]:
        """Add the server, which clients of TGI require."""
        return {**super().envelope(), "system_fingerprint": self.fingerprint}

    def choice(self, index: int, piece: Piece) -> ChatChoice:
        """Return a whole answer as a choice."""
        message = AnswerMessage(piece.text)
        return ChatChoice(index, message, piece.finish_reason, self._logprobs(piece))

    def chunks(self, index: int, piece: Piece) -> Iterator[ChatChunkChoice]:
        """Yield the role before an answer's first text, and the finish reason after its last."""
        if index not in self._begun:
            self._begun.add(index)
            yield ChatChunkChoice(index, Delta("assistant", ""))
        if piece.text or piece.tokens:
            delta = Delta(content=piece.text)
            yield ChatChunkChoice(index, delta, logprobs=self._logprobs(piece))
        if piece.finish_reason:
            yield ChatChunkChoice(index, Delta(), piece.finish_reason)

    def _logprobs(self, piece: Piece) -> ChatLogprobs | None:
        if not self.with_logprobs:
            return None
        return ChatLogprobs([_token_logprob(token) for token in piece.tokens])


def _token_logprob(token: Token) -> TokenLogprob:
    return TokenLogprob(
        token.text,
        token.logprob,
        _bytes(token),
        [TopLogprob(top.text, top.logprob, _bytes(top)) for top in token.alternatives],
    )


def _bytes(token: Token) -> list[int]:
    return list(token.text.encode())
