"""What every server is asked for, and what it answers, in no server's words."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

EndReason = Literal["length", "end_token", "stop_sequence"]


class Generation(msgspec.Struct, kw_only=True, frozen=True):
    """One sequence to generate; without `samples` it is greedy, whatever else is set."""

    prompt: str
    prompt_tokens: int  # As the proxy counts them.
    max_tokens: int
    samples: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    typical_p: float | None = None
    seed: int | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    response_format: Mapping[str, Any] | None = None  # As OpenAI writes it.
    stop: Sequence[str] = ()
    keeps_stop: bool = False  # Whether the answer ends with its stop sequence.
    # The alternatives of each token; `None` where nobody reads ids and log probabilities.
    top_tokens: int | None = None
    truncate: int | None = None
    watermark: bool = False


class Token(msgspec.Struct, gc=False):
    """One generated token."""

    id: int
    text: str
    logprob: float | None = None
    special: bool = False
    alternatives: Sequence["Token"] = ()


class End(msgspec.Struct):
    """How an answer ended, with what the server says of it."""

    reason: EndReason
    at_end_token: bool = False  # Of TGI, which says `length` where that is the last one allowed.
    text: str | None = None  # The whole answer, from a server that repeats it.
    seed: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunk(msgspec.Struct, gc=False):
    """What arrives at once: text, the tokens that it is made of where known, and their number."""

    text: str
    count: int = 1  # Tokens without text included.
    tokens: Sequence[Token] = ()
    end: End | None = None
