"""The bodies of requests, as vLLM reads them: what it does not know, it ignores."""

from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, structs

from embedded_aws.model_server.vllm.errors import VllmError, of_http

_LONG = 2**63


class StreamOptions(Struct, frozen=True):
    """Whether usage is told, at the end or with each chunk."""

    include_usage: bool | None = True
    continuous_usage_stats: bool | None = False


class JsonSchema(Struct, frozen=True):
    """OpenAI's wrapper around a schema."""

    name: str
    schema: dict[str, Any] | None = None


class ResponseFormat(Struct, frozen=True):
    """The form that an answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StructuredOutputs(Struct, frozen=True):
    """vLLM's own way to say the form of an answer."""

    json: str | dict[str, Any] | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    regex: str | None = None
    structural_tag: str | None = None

    @property
    def kinds(self) -> dict[str, Any]:
        """What is given, by its name."""
        return {name: given for name, given in structs.asdict(self).items() if given is not None}


class Sampled(Struct, kw_only=True, frozen=True):
    """What both kinds of requests have in common."""

    model: str | None = None
    n: int | None = 1
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = 0.0
    frequency_penalty: float | None = 0.0
    repetition_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    stop_token_ids: list[int] | None = None
    include_stop_str_in_output: bool = False
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    min_tokens: int = 0
    truncate_prompt_tokens: int | None = None
    truncation_side: Literal["left", "right"] | None = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    return_token_ids: bool | None = None
    # What vLLM has and llama.cpp has not: refused when used.
    use_beam_search: bool = False
    allowed_token_ids: list[int] | None = None
    bad_words: list[str] | None = None
    prompt_logprobs: int | None = None
    priority: int = 0


class CompletionRequest(Sampled, kw_only=True, frozen=True):
    """The body of /v1/completions."""

    prompt: str | list[Any] | None = None
    max_tokens: int | None = 16
    logprobs: int | None = None
    echo: bool | None = False
    suffix: str | None = None
    add_special_tokens: bool = True
    return_tokens_as_token_ids: bool | None = None


class ChatRequest(Sampled, kw_only=True, frozen=True):
    """The body of /v1/chat/completions."""

    messages: list[dict[str, Any]]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = 0
    tools: list[dict[str, Any]] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    add_generation_prompt: bool = True


AnyRequest = TypeVar("AnyRequest", CompletionRequest, ChatRequest)


def read(raw: bytes, kind: type[AnyRequest]) -> AnyRequest:
    """Read a body; raises VllmError as vLLM's web framework does."""
    try:
        body = msgspec.json.decode(raw, type=kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise _invalid(reason, f"body{path.rstrip('`')}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(f"JSON decode error: {error}", "body") from error
    _check(body)
    return body


def _check(body: CompletionRequest | ChatRequest) -> None:
    if body.stream_options and not body.stream:
        raise _invalid("Stream options can only be defined when `stream=True`.", "stream_options")
    if body.seed is not None and not -_LONG <= body.seed < _LONG:
        raise _invalid(f"Input should be less than {_LONG}", "body.seed")
    if body.structured_outputs:
        _check_one(body.structured_outputs.kinds)
    if isinstance(body, CompletionRequest):
        if body.prompt is None or body.prompt == "":
            raise _invalid("Either prompt or prompt_embeds must be provided and non-empty.", "body")
        if body.logprobs is not None and body.logprobs < 0:
            raise _invalid("`logprobs` must be a positive value.", "logprobs")
    elif body.top_logprobs is not None and body.top_logprobs < 0:
        raise _invalid("`top_logprobs` must be a positive value.", "top_logprobs")
    elif body.top_logprobs and not body.logprobs:
        raise _invalid("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs")


def _check_one(kinds: dict[str, Any]) -> None:
    if len(kinds) == 1:
        return
    must, but = ("can only", "multiple") if kinds else ("must", "none")
    reason = (
        f"You {must} use one kind of structured outputs constraint but {but} are specified: {kinds}"
    )
    raise _invalid(reason, "body.structured_outputs")


def _invalid(reason: str, param: str) -> VllmError:
    return of_http(400, f"1 validation error:\n  {reason}", param)
