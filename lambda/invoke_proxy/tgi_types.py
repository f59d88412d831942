"""TGI 1.1's requests and answers, as its routes and the SageMaker endpoint use them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_BEST_OF = 2
MAX_STOP_SEQUENCES = 16  # Of any server; TGI's own limit is in its adapter.
MAX_TOP_N_TOKENS = 5
DEFAULT_MAX_NEW_TOKENS = 20

Positive = Annotated[float, Meta(gt=0)]
Fraction = Annotated[float, Meta(gt=0, lt=1)]
PositiveCount = Annotated[int, Meta(ge=1)]
StopSequences = Annotated[
    list[Annotated[str, Meta(min_length=1)]], Meta(max_length=MAX_STOP_SEQUENCES)
]


class Info(msgspec.Struct, kw_only=True):
    """What TGI says of itself and its model, as far as the proxy knows it."""

    model_id: str
    max_concurrent_requests: int
    max_best_of: int
    max_stop_sequences: int
    max_input_length: int
    max_total_tokens: int
    version: str = "1.1.0"


class GenerateParameters(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How to generate; `null` means TGI's default."""

    best_of: Annotated[int, Meta(ge=1, le=MAX_BEST_OF)] | None = None
    decoder_input_details: bool | None = None
    details: bool | None = None
    do_sample: bool | None = None
    max_new_tokens: (
        Annotated[int, Meta(ge=1, description=f"Defaults to {DEFAULT_MAX_NEW_TOKENS}.")] | None
    ) = None
    repetition_penalty: Positive | None = None
    return_full_text: bool | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None
    stop: StopSequences | None = None
    temperature: Positive | None = None
    top_k: PositiveCount | None = None
    top_n_tokens: Annotated[int, Meta(ge=0, le=MAX_TOP_N_TOKENS)] | None = None
    top_p: Fraction | None = None
    truncate: PositiveCount | None = None
    typical_p: Fraction | None = None
    watermark: bool | None = None

    @property
    def samples(self) -> bool:
        """Whether TGI samples the answer at random."""
        drawn = (self.temperature, self.top_k, self.top_p, self.typical_p)
        return bool(self.do_sample) or any(value is not None for value in drawn)


class GenerateRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of `/generate`, `/generate_stream` and `/invocations`."""

    inputs: Annotated[str, Meta(min_length=1)]
    parameters: GenerateParameters | None = None
    stream: Annotated[bool, Meta(description="Honoured by `/invocations` only.")] | None = None


class Token(msgspec.Struct):
    """One generated token."""

    id: int
    text: str
    logprob: float | None = None
    special: bool = False


class StreamDetails(msgspec.Struct):
    """How a stream ended."""

    finish_reason: Literal["length", "eos_token", "stop_sequence"]
    generated_tokens: int
    seed: int | None = None


class StreamEvent(msgspec.Struct):
    """One token of a stream; the last one also holds the whole text."""

    token: Token
    top_tokens: list[Token] | msgspec.UnsetType = msgspec.UNSET
    generated_text: str | None = None
    details: StreamDetails | None = None


class PrefillToken(msgspec.Struct):
    """One token of the prompt; the first has no log probability."""

    id: int
    text: str
    logprob: float | None = None


class Sequence(msgspec.Struct, kw_only=True):
    """One of the sequences that `best_of` chose from."""

    finish_reason: Literal["length", "eos_token", "stop_sequence"]
    generated_tokens: int
    seed: int | None = None
    prefill: list[PrefillToken] = []
    tokens: list[Token] = []
    top_tokens: list[list[Token]] | msgspec.UnsetType = msgspec.UNSET


class BestOfSequence(Sequence, kw_only=True):
    """A sequence that `best_of` did not choose."""

    generated_text: str


class Details(Sequence, kw_only=True):
    """The details that `details` and `decoder_input_details` ask for."""

    best_of_sequences: list[BestOfSequence] | msgspec.UnsetType = msgspec.UNSET


class GenerateResponse(msgspec.Struct):
    """The answer of `/generate`; `/invocations` answers a list of one."""

    generated_text: str
    details: Details | msgspec.UnsetType = msgspec.UNSET
