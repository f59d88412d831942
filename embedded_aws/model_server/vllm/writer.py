"""What the answers of both kinds have in common: their head, their chunks and their usage."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.model_server.vllm.batch import Batch
from embedded_aws.model_server.vllm.bodies import Sampled
from embedded_aws.model_server.vllm.flags import Flags
from embedded_aws.model_server.vllm.sequence import Scored

Json = dict[str, Any]
_LEAST_LOGPROB = -9999.0


@dataclass
class Answer:
    """One answer: its head, and the tokens of each sequence so far."""

    prefix: str
    kind: str
    body: Sampled
    batch: Batch
    flags: Flags
    generated: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.generated = [0] * len(self.batch.generations)
        self.head: Json = {
            "id": f"{self.prefix}-{uuid.uuid4().hex}",
            "object": self.kind,
            "created": int(time.time()),
            "model": self.body.model or self.flags.names[0],
        }

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with its usage."""
        options = self.body.stream_options
        return self.flags.enable_force_include_usage or bool(options and options.include_usage)

    @property
    def includes_continuous_usage(self) -> bool:
        """Whether each chunk of a stream tells the usage so far."""
        options = self.body.stream_options
        asked = bool(options and options.continuous_usage_stats)
        return self.flags.enable_force_include_usage or (self.includes_usage and asked)

    def chunk(self, index: int, choice: Json) -> Json:
        """Return a chunk of a stream, which tells one sequence's choice."""
        chunk = {**self.head, "choices": [choice]}
        if self.includes_continuous_usage:
            chunk["usage"] = self.usage_of(index)
        return chunk

    def usage(self) -> Json:
        """Return the usage of the whole answer."""
        return usage(self.batch.prompt_tokens, sum(self.generated))

    def usage_of(self, index: int) -> Json:
        """Return the usage of one sequence so far."""
        return usage(len(self.batch.generations[index].prompt), self.generated[index])


def bounded(token: Scored) -> float:
    """Return a token's logprob as vLLM writes it: JSON has no infinity."""
    return _LEAST_LOGPROB if token.logprob is None else max(token.logprob, _LEAST_LOGPROB)


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Return vLLM's usage."""
    return {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
    }
