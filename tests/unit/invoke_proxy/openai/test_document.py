"""OpenAI's public OpenAPI document validates the proxy's answers, and lists the parameters."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no stubs
import pytest

from invoke_proxy.http.bodies import NEUTRAL
from invoke_proxy.openai.requests import ChatRequest, CompletionRequest, SamplingRequest
from tests.unit.invoke_proxy.proxy_double import Answer, client_of
from tests.unit.invoke_proxy.wires import TGI, WIRES, Wire

DOCUMENT = json.loads((Path(__file__).parent / "document/schemas.json").read_text())
CHAT = {"messages": [{"role": "user", "content": "Hi"}]}
PROMPT = {"prompt": "Hi"}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
# Beside OpenAI's members, so that clients can learn the model's limits.
OWN = {"max_input_tokens", "max_total_tokens"}


def closed(schema: Any) -> Any:
    """Return the schema without room for members that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict):
        shut.setdefault("additionalProperties", False)
    # OpenAPI 3.0's word, which the document still uses.
    return {"anyOf": [shut, {"type": "null"}]} if schema.get("nullable") is True else shut


SCHEMAS = {"schemas": closed(DOCUMENT["components"]["schemas"])}


def check(answer: Any, schema: str) -> None:
    root = {"$ref": f"#/components/schemas/{schema}", "components": SCHEMAS}
    jsonschema.Draft202012Validator(root).validate(answer)


async def asked(route: str, body: Any = None, wire: Wire = TGI) -> Answer:
    upstream = wire.upstream(" Hello", ",", " you", reason="eos_token", end_token="</s>")
    async with client_of(upstream, wire.settings) as client:
        return await (client.post(route, body) if body else client.get(route))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("more", [{}, {"n": 2}, {"logprobs": True, "top_logprobs": 1}], ids=str)
async def test_chats_are_as_the_document_says_whole_and_streamed(
    more: dict[str, Any], wire: Wire
) -> None:
    whole = await asked("/v1/chat/completions", {**CHAT, **more}, wire)
    check(whole.json, "CreateChatCompletionResponse")
    streamed = await asked("/v1/chat/completions", {**CHAT, **more, **USAGE}, wire)
    *chunks, done = streamed.events
    assert done == "[DONE]"
    for chunk in chunks:
        check(chunk, "CreateChatCompletionStreamResponse")


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("more", [{}, {"n": 2}, {"logprobs": 1}, {"echo": True}], ids=str)
async def test_completions_are_as_the_document_says(more: dict[str, Any], wire: Wire) -> None:
    whole = await asked("/v1/completions", {**PROMPT, **more}, wire)
    check(whole.json, "CreateCompletionResponse")


async def test_models_are_as_the_document_says() -> None:
    models = (await asked("/v1/models")).json
    for model in models["data"]:
        assert model.keys() >= OWN
        for name in OWN:
            del model[name]
    check(models, "ListModelsResponse")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/v1/chat/completions", {**CHAT, "tools": [{}]}),
        ("/v1/chat/completions", {**CHAT, "model": "other"}),
        ("/v1/completions", {"prompt": "word " * 200}),
        ("/v1/completions", b"{"),
        ("/v1/responses", {"input": "Hi"}),
    ],
    ids=str,
)
async def test_errors_are_as_the_document_says(route: str, body: Any) -> None:
    answer = await asked(route, body)
    assert answer.status >= 400
    check(answer.json, "ErrorResponse")


@pytest.mark.parametrize(
    ("name", "request_type"),
    [("CreateChatCompletionRequest", ChatRequest), ("CreateCompletionRequest", CompletionRequest)],
)
def test_no_parameter_of_the_document_is_unknown(
    name: str, request_type: type[SamplingRequest]
) -> None:
    known = {*request_type.__struct_fields__, *NEUTRAL}
    assert [each for each in DOCUMENT["requests"][name] if each not in known] == []
