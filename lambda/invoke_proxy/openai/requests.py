"""OpenAI's chat and completion requests, as far as any of the servers supports them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from invoke_proxy.settings import MAX_CHOICES
from invoke_proxy.tgi_types import PositiveCount, StopSequences

DEFAULT_COMPLETION_TOKENS = 16

Penalty = Annotated[float, Meta(ge=-2, le=2)]
TokenId = Annotated[str, Meta(pattern=r"^[0-9]{1,6}$")]
Bias = Annotated[float, Meta(ge=-100, le=100)]


class TextFormat(msgspec.Struct, tag_field="type", tag="text"):
    """Any text."""


class JsonObjectFormat(msgspec.Struct, tag_field="type", tag="json_object"):
    """Any JSON object; the prompt should ask for one."""


class JsonSchema(msgspec.Struct, omit_defaults=True):
    """A JSON schema, with its name."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class JsonSchemaFormat(msgspec.Struct, tag_field="type", tag="json_schema"):
    """JSON that a schema describes."""

    json_schema: JsonSchema


class StreamOptions(msgspec.Struct):
    """What a stream contains besides its text."""

    include_usage: bool | None = None


class SamplingRequest(msgspec.Struct, kw_only=True):
    """The parameters of both OpenAI routes; `null` means the default."""

    model: Annotated[str, Meta(description="Absent means the model that is served.")] | None = None
    max_tokens: PositiveCount | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    seed: int | None = None
    stop: Annotated[str, Meta(min_length=1)] | StopSequences | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: (
        Annotated[float, Meta(ge=0, le=2, description="0 is greedy; defaults to 1.")] | None
    ) = None
    top_p: Annotated[float, Meta(ge=0, le=1, description="Defaults to 1.")] | None = None
    frequency_penalty: Penalty | None = None
    # Some clients send an empty list.
    logit_bias: dict[TokenId, Bias] | Annotated[list[Any], Meta(max_length=0)] | None = None
    presence_penalty: Penalty | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    # These change no answer, here or at OpenAI.
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    store: bool | None = None
    user: str | None = None


class ContentPart(msgspec.Struct):
    """One part of a message; the model accepts text only."""

    type: str
    text: str | None = None


class Message(msgspec.Struct):
    """One turn of a chat."""

    # Tool calls are decoded, so that the refusal can name them.
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None
    name: str | None = None  # Accepted without effect: the prompt formats have no place for it.
    tool_calls: list[Any] | None = None
    function_call: Any = None


class ChatRequest(SamplingRequest, kw_only=True):
    """The body of `/v1/chat/completions`."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    max_completion_tokens: PositiveCount | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class CompletionRequest(SamplingRequest, kw_only=True):
    """The body of `/v1/completions`."""

    prompt: (
        Annotated[str, Meta(min_length=1)]
        | Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)]
    )
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
