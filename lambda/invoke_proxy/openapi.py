"""`GET /openapi.json`: the contract, made from the types and the table of errors."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.bodies import NEUTRAL, TGI_NEUTRAL
from invoke_proxy.http.errors import KINDS, ErrorBody, ProxyError, TgiErrorBody, status_of
from invoke_proxy.model import Model
from invoke_proxy.openai.answers import (
    ChatChunk,
    ChatCompletion,
    Completion,
    ModelCard,
    ModelList,
)
from invoke_proxy.openai.requests import ChatRequest, CompletionRequest
from invoke_proxy.servers import speaking
from invoke_proxy.servers.server import Capabilities
from invoke_proxy.settings import ServerName
from invoke_proxy.tgi.routes import ROUTES as TGI_ROUTES
from invoke_proxy.tgi_types import GenerateRequest, GenerateResponse, Info, StreamEvent

_Json = dict[str, Any]

_TYPES = (
    ChatRequest, ChatCompletion, ChatChunk, CompletionRequest, Completion, ModelCard, ModelList,
    GenerateRequest, GenerateResponse, Info, StreamEvent, ErrorBody, TgiErrorBody,
)  # fmt: skip
_OPENAIS = ("ChatRequest", "CompletionRequest")
_STATUSES = {
    tgi: sorted({status_of(ProxyError(code), tgi=tgi) for code in KINDS}) for tgi in (False, True)
}
_BODIES = {False: "ErrorBody", True: "TgiErrorBody"}


async def openapi(request: Request) -> Response:
    """Return the document."""
    settings = Model.of(request).settings
    described = document(settings.server, settings.other_server)
    return Response(msgspec.json.encode(described), media_type="application/json")


class _Operation(msgspec.Struct, kw_only=True):
    id: str
    method: str
    path: str
    summary: str
    body: str | None = None
    answer: str | None = None
    event: str | None = None
    as_list: bool = False
    public: bool = False


_OPERATIONS = (
    _Operation(
        id="createChatCompletion", method="post", path="/v1/chat/completions",
        summary="Answer a chat.",
        body="ChatRequest", answer="ChatCompletion", event="ChatChunk",
    ),
    _Operation(
        id="createCompletion", method="post", path="/v1/completions",
        summary="Complete a prompt.",
        body="CompletionRequest", answer="Completion", event="Completion",
    ),
    _Operation(
        id="listModels", method="get", path="/v1/models",
        summary="List the models that are served.", answer="ModelList",
    ),
    _Operation(
        id="retrieveModel", method="get", path="/v1/models/{model}",
        summary="Describe a model.", answer="ModelCard",
    ),
    _Operation(
        id="generate", method="post", path="/generate",
        summary="Generate text in one answer, as TGI 1.1 does.",
        body="GenerateRequest", answer="GenerateResponse",
    ),
    _Operation(
        id="generateStream", method="post", path="/generate_stream",
        summary="Generate text as a stream, as TGI 1.1 does.",
        body="GenerateRequest", event="StreamEvent",
    ),
    _Operation(
        id="info", method="get", path="/info",
        summary="Describe the model, as TGI 1.1 does.", answer="Info",
    ),
    _Operation(
        id="invocations", method="post", path="/invocations",
        summary="Generate text, as TGI 1.1 does on SageMaker.",
        body="GenerateRequest", answer="GenerateResponse", event="StreamEvent", as_list=True,
    ),
    _Operation(
        id="health", method="get", path="/health",
        summary="Check that the proxy is up.", public=True,
    ),
    _Operation(
        id="compatGenerate", method="post", path="/",
        summary="Generate text, at the path that TGI's own client uses.",
        body="GenerateRequest", answer="GenerateResponse", event="StreamEvent", as_list=True,
    ),
    _Operation(
        id="openapi", method="get", path="/openapi.json",
        summary="Return this document.",
    ),
)  # fmt: skip


@cache
def document(server: ServerName = "tgi", other: ServerName | None = None) -> _Json:
    """Return the API's document in front of a server: 3.2, the first that can describe events."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    _limit(schemas, speaking(server, other).capabilities)
    paths: dict[str, _Json] = {}
    for operation in _OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.2.0",
        "info": {
            "title": "LLM on SageMaker",
            "version": "1",
            "description": "OpenAI's chat and completion API and TGI 1.1's own, for one model.",
        },
        "servers": [{"url": "."}],  # The URL that the document was fetched from.
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                _response(status, tgi=tgi): _errors(status, tgi=tgi)
                for tgi, statuses in _STATUSES.items()
                for status in statuses
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _limit(schemas: _Json, can: Capabilities) -> None:
    """Close the requests, and leave in them what the server can do."""
    for name in _OPENAIS:
        _close(schemas[name], NEUTRAL, can.without_openai)
    _close(schemas["GenerateParameters"], TGI_NEUTRAL, can.without_tgi)
    _close(schemas["GenerateRequest"], {}, frozenset())
    for name in (*_OPENAIS, "GenerateParameters"):
        for choice in schemas[name]["properties"]["stop"]["anyOf"]:
            if choice.get("type") == "array":
                choice["maxItems"] = can.max_stop_sequences
    for choice in schemas["ChatRequest"]["properties"]["top_logprobs"]["anyOf"]:
        if choice.get("type") == "integer":
            choice["maximum"] = can.max_top_logprobs


def _close(schema: _Json, neutral: Mapping[str, Sequence[Any]], refused: frozenset[str]) -> None:
    """Close a request: a property that it does not list is refused, unless it is `null`."""
    schema["additionalProperties"] = False
    properties = schema["properties"]
    for name, values in neutral.items():
        if name in refused or (name not in properties and neutral is NEUTRAL):
            properties[name] = {
                "enum": [None, *values],
                "description": "Not supported: only a value without effect is accepted.",
            }


def _operation(operation: _Operation) -> _Json:
    content: _Json = {}
    if operation.answer:
        answer = _reference(operation.answer)
        content["application/json"] = {
            "schema": {"type": "array", "items": answer} if operation.as_list else answer
        }
    if operation.event:
        content["text/event-stream"] = {"itemSchema": _reference(operation.event)}
    if operation.public:
        content["application/json"] = {"schema": {"type": "object"}}
    described: _Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {"200": {"description": "The answer.", "content": content}},
    }
    if operation.public:
        return {**described, "security": []}
    tgi = operation.path in TGI_ROUTES
    for status in _STATUSES[tgi]:
        reference = f"#/components/responses/{_response(status, tgi=tgi)}"
        described["responses"][str(status)] = {"$ref": reference}
    if operation.body:
        body = {"application/json": {"schema": _reference(operation.body)}}
        described["requestBody"] = {"required": True, "content": body}
    if "{model}" in operation.path:
        name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
        described["parameters"] = [name]
    return described


def _response(status: int, *, tgi: bool) -> str:
    return f"{'TgiError' if tgi else 'Error'}{status}"


def _errors(status: int, *, tgi: bool) -> _Json:
    """Return the rows of the table of errors that have a status."""
    rows = {
        code: kind for code, kind in KINDS.items() if status_of(ProxyError(code), tgi=tgi) == status
    }
    described: _Json = {
        "description": "; ".join(f"`{code}`: {kind.message}" for code, kind in rows.items()),
        "content": {"application/json": {"schema": _reference(_BODIES[tgi])}},
    }
    if any(kind.retry_after_seconds for kind in rows.values()):
        retry_after = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": retry_after}
    return described


def _reference(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}
