"""Writes completions in OpenAI's words."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from invoke_proxy.openai.answers import Completion, CompletionChoice, CompletionLogprobs, Usage
from invoke_proxy.openai.concurrency import collected, merged
from invoke_proxy.openai.pieces import Piece, joined
from invoke_proxy.openai.sse import DONE, event


class CompletionWriter(msgspec.Struct, kw_only=True, frozen=True):
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
        choices = [self._choice(index, piece, offset=0) for index, piece in enumerate(pieces)]
        tokens = sum(piece.generated_tokens for piece in pieces)
        yield msgspec.json.encode(self._completion(choices, self._usage(tokens)))

    async def stream(self, answers: Sequence[AsyncGenerator[Piece]]) -> AsyncGenerator[bytes]:
        """Yield an event a piece; an answer's last one says how it ended."""
        offsets: Counter[int] = Counter()
        tokens = 0
        async for index, piece in merged(answers):
            choice = self._choice(index, piece, offsets[index])
            offsets[index] += sum(len(each.token.text) for each in piece.events)
            tokens += piece.generated_tokens
            yield event(self._completion([choice], None if self.with_usage else UNSET))
        if self.with_usage:
            yield event(self._completion([], self._usage(tokens)))
        yield DONE

    def _completion(
        self, choices: list[CompletionChoice], usage: Usage | UnsetType | None
    ) -> Completion:
        return Completion(
            id=self.id, created=self.created, model=self.model, choices=choices, usage=usage
        )

    def _usage(self, completion_tokens: int) -> Usage:
        return Usage.of(self.prompt_tokens, completion_tokens)

    def _choice(self, index: int, piece: Piece, offset: int) -> CompletionChoice:
        logprobs = _logprobs(piece, offset) if self.with_logprobs else None
        return CompletionChoice(index, piece.text, piece.finish_reason, logprobs)


def _logprobs(piece: Piece, offset: int) -> CompletionLogprobs:
    scored = CompletionLogprobs([], [], [], [])
    for each in piece.events:
        scored.tokens.append(each.token.text)
        scored.token_logprobs.append(each.token.logprob)
        scored.top_logprobs.append({top.text: top.logprob for top in each.top_tokens or ()})
        scored.text_offset.append(offset)
        offset += len(each.token.text)
    return scored
