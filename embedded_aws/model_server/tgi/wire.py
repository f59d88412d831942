"""What goes in and out, as TGI 1.1 writes it."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

Unsigned = Annotated[int, Meta(ge=0)]
FinishReason = Literal["length", "eos_token", "stop_sequence"]
ErrorType = Literal["validation", "overloaded", "generation", "incomplete_generation"]

STATUS: dict[ErrorType, int] = {
    "validation": 422,
    "overloaded": 429,
    "generation": 424,
    "incomplete_generation": 500,
}


class Parameters(Struct, kw_only=True, frozen=True):
    """How to generate, with TGI's defaults."""

    best_of: Unsigned | None = None
    temperature: float | None = None
    repetition_penalty: float | None = None
    top_k: Annotated[int, Meta(lt=2**31)] | None = None
    top_p: float | None = None
    typical_p: float | None = None
    do_sample: bool = False
    max_new_tokens: Unsigned = 20
    return_full_text: bool | None = None
    stop: list[str] = []
    truncate: Unsigned | None = None
    watermark: bool = False
    details: bool = False
    decoder_input_details: bool = False
    seed: Unsigned | None = None
    top_n_tokens: Unsigned | None = None


class GenerateRequest(Struct, kw_only=True, frozen=True):
    """The body of every POST; only `/` and `/invocations` heed `stream`."""

    inputs: str
    parameters: Parameters = field(default_factory=Parameters)
    stream: bool = False


class PrefillToken(Struct):
    """A token of the prompt; llama.cpp does not tell its probability."""

    id: int
    text: str
    logprob: None = None


class Token(Struct):
    """A generated token."""

    id: int
    text: str
    logprob: float | None
    special: bool


class StreamDetails(Struct):
    """How a generation ended."""

    finish_reason: FinishReason
    generated_tokens: int
    seed: int | None


class StreamResponse(Struct, kw_only=True):
    """One event; `generated_text`, and `details` if asked for, come with the last."""

    token: Token
    top_tokens: list[Token] | UnsetType = UNSET
    generated_text: str | None = None
    details: StreamDetails | None = None


class Details(StreamDetails, kw_only=True):
    """A whole generation; `generated_text` stands here only in `best_of_sequences`."""

    prefill: list[PrefillToken]
    tokens: list[Token]
    top_tokens: list[list[Token]] | UnsetType = UNSET
    generated_text: str | UnsetType = UNSET
    best_of_sequences: "list[Details] | UnsetType" = UNSET


class GenerateResponse(Struct):
    """A whole answer."""

    generated_text: str
    details: Details | UnsetType = UNSET


class TgiError(Exception):
    """A refusal: the body of an answer with its type's status, or an event in a stream."""

    def __init__(self, error_type: ErrorType, error: str) -> None:
        super().__init__(error)
        self.status = STATUS[error_type]
        self.body = {"error": error, "error_type": error_type}
