"""Writes completions as OpenAI does."""

from collections import Counter
from dataclasses import dataclass, field

from invoke_proxy.openai.answers import Completion, CompletionChoice, CompletionLogprobs
from invoke_proxy.openai.pieces import Piece
from invoke_proxy.openai.writer import Writer


@dataclass(kw_only=True)
class CompletionWriter(Writer):
    """The answers to one request's prompts; an answer's last event has the finish reason."""

    id_prefix = "cmpl"
    answer_type = chunk_type = Completion

    _offsets: Counter[int] = field(default_factory=Counter)

    def choice(self, index: int, piece: Piece) -> CompletionChoice:
        """Return an answer, or the next piece of one, as a choice."""
        logprobs = _logprobs(piece, self._offsets[index]) if self.with_logprobs else None
        self._offsets[index] += sum(len(token.text) for token in piece.tokens)
        return CompletionChoice(index, piece.text, piece.finish_reason, logprobs)

    def chunks(self, index: int, piece: Piece) -> list[CompletionChoice]:
        """Return one choice per piece."""
        return [self.choice(index, piece)]


def _logprobs(piece: Piece, offset: int) -> CompletionLogprobs:
    scored = CompletionLogprobs([], [], [], [])
    for token in piece.tokens:
        scored.tokens.append(token.text)
        scored.token_logprobs.append(token.logprob)
        scored.top_logprobs.append({top.text: top.logprob for top in token.alternatives})
        scored.text_offset.append(offset)
        offset += len(token.text)
    return scored
