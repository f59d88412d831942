from typing import Any

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_32_VALIDATOR

from invoke_proxy.http.errors import KINDS
from invoke_proxy.openapi import document
from tests.unit.invoke_proxy.proxy_double import (
    SETTINGS,
    Answer,
    FakeRuntime,
    client_of,
    tgi_frames,
)


async def test_models_lists_the_one_model_with_its_limits() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get("/v1/models")
        card = await client.get("/v1/models/mistral-7b-instruct")
    assert answer.json == {"object": "list", "data": [card.json]}
    assert card.json["id"] == "mistral-7b-instruct"
    assert card.json["object"] == "model"
    assert (card.json["max_input_tokens"], card.json["max_total_tokens"]) == (100, 150)


async def test_an_unknown_model_is_not_found() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get("/v1/models/gpt-4")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


async def test_an_alias_is_the_model_under_its_own_name() -> None:
    runtime = FakeRuntime(*tgi_frames(["Hello"]))
    aliased = msgspec.structs.replace(SETTINGS, model_aliases="mistral-7b,before")
    async with client_of(runtime, aliased) as client:
        listed = await client.get("/v1/models")
        card = await client.get("/v1/models/before")
        body = {"model": "before", "messages": [{"role": "user", "content": "hi"}]}
        chat = await client.post("/v1/chat/completions", body)
        unknown = await client.post("/v1/chat/completions", {**body, "model": "after"})
    assert listed.json["data"] == [card.json]
    assert (card.json["id"], chat.json["model"]) == ("mistral-7b-instruct",) * 2
    assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")


async def test_health_says_ok_and_is_not_logged() -> None:
    log: list[str] = []
    async with client_of(FakeRuntime(), log=log) as client:
        answer = await client.get("/health")
    assert (answer.status, answer.json, log) == (200, {"status": "ok"}, [])


@pytest.mark.parametrize("path", ["/v1", "/v1/embeddings", "/docs"])
async def test_an_unknown_route_is_not_found(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get(path)
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")


def code_of(answer: Answer) -> str:
    """Return the code of an error, which TGI's routes have beside `error`."""
    return str(answer.json.get("code") or answer.error["code"])


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/generate"])
async def test_a_wrong_method_is_refused_with_the_right_one(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get(path)
    assert (answer.status, code_of(answer)) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/invocations"])
async def test_a_body_that_is_too_large_is_refused(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.post(path, b'"' + b"x" * 1_048_576 + b'"')
    assert (answer.status, code_of(answer)) == (413, "request_too_large")


async def test_every_answer_carries_the_request_id() -> None:
    headers = {"x-amzn-request-context": '{"requestId": "r-1"}'}
    async with client_of(FakeRuntime()) as client:
        answers = [
            await client.get("/v1/models", headers),
            await client.get("/nowhere", headers),
            await client.post("/generate", b"{", headers),
        ]
    assert [answer.headers["x-request-id"] for answer in answers] == ["r-1"] * 3


async def test_the_document_has_every_route_and_every_error() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get("/openapi.json")
    assert set(answer.json["paths"]) == {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/models",
        "/v1/models/{model}",
        "/generate",
        "/generate_stream",
        "/info",
        "/invocations",
        "/",
        "/health",
        "/openapi.json",
    }
    described = answer.json["components"]["responses"]
    assert all(f"`{code}`" in str(described[f"Error{kind.status}"]) for code, kind in KINDS.items())


def test_every_reference_of_the_document_leads_somewhere() -> None:
    text = msgspec.json.encode(document()).decode()
    for part in text.split('"$ref":"#/components/')[1:]:
        kind, name = part.partition('"')[0].split("/")
        assert name in document()["components"][kind]


def test_the_document_is_valid_openapi() -> None:
    assert document()["openapi"] == "3.2.0"
    OPENAPI_32_VALIDATOR.validate(document())


def test_the_documents_operations_are_named_once() -> None:
    names = [
        operation["operationId"]
        for operations in document()["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("schema", "body", "valid"),
    [
        ("ChatRequest", {"messages": [{"role": "user", "content": "Hi"}], "tools": []}, True),
        ("ChatRequest", {"messages": [{"role": "user", "content": "Hi"}], "tools": [{}]}, False),
        ("CompletionRequest", {"prompt": "Hi", "user": "me"}, True),
        ("CompletionRequest", {"prompt": "Hi", "unheard_of": 1}, False),
        ("GenerateRequest", {"inputs": "Hi", "parameters": {"seed": 1}}, True),
        ("GenerateRequest", {"inputs": "Hi", "parameters": {"unheard_of": 1}}, False),
    ],
)
async def test_the_document_refuses_the_parameters_that_the_proxy_refuses(
    schema: str, body: dict[str, Any], *, valid: bool
) -> None:
    definition = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    assert Draft202012Validator(definition).is_valid(body) is valid
    path = {"messages": "/v1/chat/completions", "prompt": "/v1/completions", "inputs": "/generate"}
    async with client_of(FakeRuntime(*tgi_frames(["x"]))) as client:
        answer = await client.post(path[next(iter(body))], body)
    assert (answer.status == 200) is valid


@pytest.mark.parametrize("path", ["/v1/models/", "/generate/", "/health/"])
async def test_a_slash_too_many_is_no_route_and_no_redirect(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get(path)
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")
    assert "location" not in answer.headers
