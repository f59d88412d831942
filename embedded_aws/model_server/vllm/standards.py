"""What model-hosting-container-standards puts before vLLM: SageMaker's bodies and headers."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert, field, json, structs
from starlette.responses import Response

from embedded_aws.model_server.vllm.bodies import ChatRequest, CompletionRequest, read
from embedded_aws.model_server.vllm.errors import VllmError, of_http

AnyBody = CompletionRequest | ChatRequest

_ADAPTER = "x-amzn-sagemaker-adapter-identifier"
_ALIAS = "x-amzn-sagemaker-adapter-alias"
_SESSION = "X-Amzn-SageMaker-Session-Id"
_NO_SESSIONS = "Invalid payload. stateful sessions not enabled"


class NewAdapter(Struct):
    """An adapter to load; vLLM does nothing with the last two."""

    name: Annotated[str, Meta(min_length=1)]
    src: Annotated[str, Meta(min_length=1)]
    preload: bool = True
    pin: bool = False


class _SessionRequest(Struct, forbid_unknown_fields=True):
    kind: Literal["NEW_SESSION", "CLOSE"] = field(name="requestType")


def read_adapter(raw: bytes) -> NewAdapter:
    """Read an adapter to load; raises VllmError."""
    try:
        return json.decode(raw, type=NewAdapter, strict=False)
    except ValueError as error:
        raise of_http(400, str(error)) from error


def adapter_answer(name: str, done: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to what was done with an adapter, by its alias if it has one."""
    return Response(f"Adapter {headers.get(_ALIAS) or name} {done}")


def read_invocation(raw: bytes, headers: Mapping[str, str]) -> AnyBody:
    """Read what the body is, a chat or else a completion; raises VllmError.

    The header chooses the adapter: without it the base answers, whatever `model` the body names.
    """
    try:
        content = json.decode(raw)
    except ValueError as error:
        raise of_http(400, f"JSON decode error: {error}") from error
    _refuse_sessions(content, headers)
    return structs.replace(_chat_or_completion(raw), model=headers.get(_ADAPTER) or None)


def _refuse_sessions(content: Any, headers: Mapping[str, str]) -> None:  # noqa: ANN401 - JSON
    if isinstance(content, dict) and "requestType" in content:
        try:
            convert(content, _SessionRequest)
        except ValidationError as error:
            raise of_http(400, str(error)) from error
        raise of_http(400, _NO_SESSIONS)
    if headers.get(_SESSION):
        raise of_http(400, f"{_NO_SESSIONS}, {_SESSION} header not supported")


def _chat_or_completion(raw: bytes) -> AnyBody:
    with suppress(VllmError):
        return read(raw, ChatRequest)
    with suppress(VllmError):
        return read(raw, CompletionRequest)
    raise VllmError(
        "Cannot find suitable handler for request. Expected one of: "
        "['ChatCompletionRequest', 'CompletionRequest']"
    )
