"""Writes a chat's answers in OpenAI's words."""

from collections.abc import AsyncGenerator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from invoke_proxy.openai.answers import (
    AnswerMessage,
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatCompletion,
    ChatLogprobs,
    Delta,
    FinishReason,
    TokenLogprob,
    TopLogprob,
    Usage,
)
from invoke_proxy.openai.concurrency import collected, merged
from invoke_proxy.openai.pieces import Piece, joined
from invoke_proxy.openai.sse import DONE, event
from invoke_proxy.tgi.types import StreamEvent, Token


class ChatWriter(msgspec.Struct, kw_only=True, frozen=True):
    """One request's answers, whole or streamed, under one id."""

    id: str
    created: int
    model: str
    prompt_tokens: int
    with_logprobs: bool
    with_usage: bool

    async def whole(self, answers: Sequence[AsyncGenerator[Piece]]) -> AsyncGenerator[bytes]:
        """Yield the JSON of all answers, once."""
        pieces = [joined(each) for each in await collected(answers)]
        choices = [
            ChatChoice(index, AnswerMessage(piece.text), piece.finish_reason, self._logprobs(piece))
            for index, piece in enumerate(pieces)
        ]
        completion = ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=choices,
            usage=Usage.of(self.prompt_tokens, sum(piece.generated_tokens for piece in pieces)),
        )
        yield msgspec.json.encode(completion)

    async def stream(self, answers: Sequence[AsyncGenerator[Piece]]) -> AsyncGenerator[bytes]:
        """Yield an event a piece, each answer's role first and how it ended last."""
        begun: set[int] = set()
        tokens = 0
        async for index, piece in merged(answers):
            head = b"" if index in begun else self._event(index, Delta("assistant", ""))
            begun.add(index)
            if piece.text or piece.events:
                head += self._event(index, Delta(content=piece.text), self._logprobs(piece))
            if piece.finish_reason:
                tokens += piece.generated_tokens
                head += self._event(index, Delta(), finish_reason=piece.finish_reason)
            yield head
        if self.with_usage:
            yield event(self._chunk([], Usage.of(self.prompt_tokens, tokens)))
        yield DONE

    def _event(
        self,
        index: int,
        delta: Delta,
        logprobs: ChatLogprobs | None = None,
        finish_reason: FinishReason | None = None,
    ) -> bytes:
        choice = ChatChunkChoice(index, delta, finish_reason, logprobs)
        return event(self._chunk([choice], None if self.with_usage else UNSET))

    def _chunk(self, choices: list[ChatChunkChoice], usage: Usage | UnsetType | None) -> ChatChunk:
        return ChatChunk(
            id=self.id, created=self.created, model=self.model, choices=choices, usage=usage
        )

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
