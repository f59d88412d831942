"""Several models of one endpoint: a request's `model` chooses the base or an adapter."""

import json
from typing import Any

import msgspec
import pytest

from invoke_proxy.http.errors import EndpointError
from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames

_BASE = "mistral-7b-instruct"
_COMPONENTS = {"legal": "legal-e", _BASE: "base-e", "support": "support-e"}
_SETTINGS = msgspec.structs.replace(SETTINGS, inference_components=json.dumps(_COMPONENTS))
_FRAMES = tgi_frames(["Hello"])
_CHAT = {"messages": [{"role": "user", "content": "hi"}]}
_ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": _CHAT,
    "/v1/completions": {"prompt": "hi"},
}


@pytest.mark.parametrize("path", _ASKED)
@pytest.mark.parametrize(
    ("named", "answers"),
    [(_BASE, _BASE), ("support", "support"), ("tgi", _BASE), (None, _BASE)],
)
async def test_the_component_of_the_model_that_is_named_answers(
    path: str, named: str | None, answers: str
) -> None:
    runtime, log = FakeRuntime(*_FRAMES), list[str]()
    asked = _ASKED[path] | ({"model": named} if named else {})
    async with client_of(runtime, _SETTINGS, log) as client:
        answer = await client.post(path, asked)
    assert (answer.status, answer.json["model"]) == (200, answers)
    assert runtime.components == [_COMPONENTS[answers]]
    assert json.loads(log[0])["model"] == answers  # and so every metric's dimension


async def test_each_request_is_of_its_own_model() -> None:
    runtime = FakeRuntime(*_FRAMES)
    async with client_of(runtime, _SETTINGS) as client:
        for model in ("support", _BASE, "legal"):
            await client.post("/v1/chat/completions", _CHAT | {"model": model, "stream": True})
    assert runtime.components == ["support-e", "base-e", "legal-e"]


async def test_the_base_answers_tgis_routes() -> None:
    runtime = FakeRuntime(*_FRAMES)
    async with client_of(runtime, _SETTINGS) as client:
        assert (await client.post("/generate", {"inputs": "hi"})).status == 200
    assert runtime.components == ["base-e"]


async def test_no_component_is_named_on_an_endpoint_with_one_model() -> None:
    runtime = FakeRuntime(*_FRAMES)
    async with client_of(runtime) as client:
        await client.post("/v1/chat/completions", _CHAT)
    assert runtime.components == [None]


async def test_models_lists_the_base_first_and_its_adapters() -> None:
    async with client_of(FakeRuntime(), _SETTINGS) as client:
        listed = (await client.get("/v1/models")).json["data"]
        card = await client.get("/v1/models/support")
        unknown = await client.get("/v1/models/other")
    assert [each["id"] for each in listed] == [_BASE, "legal", "support"]
    assert card.json in listed
    assert unknown.error["message"] == f"this API serves the models {_BASE}, legal, support"


async def test_an_unknown_model_is_refused_and_told_which_there_are() -> None:
    runtime = FakeRuntime(*_FRAMES)
    async with client_of(runtime, _SETTINGS) as client:
        answer = await client.post("/v1/chat/completions", _CHAT | {"model": "Support"})
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert answer.error["message"] == f"this API serves the models {_BASE}, legal, support"
    assert runtime.bodies == []


async def test_a_component_that_is_gone_is_a_fault_of_the_endpoint() -> None:
    runtime, log = FakeRuntime(EndpointError("endpoint_not_found")), list[str]()
    async with client_of(runtime, _SETTINGS, log) as client:
        answer = await client.post("/v1/chat/completions", _CHAT | {"model": "support"})
    assert answer.status >= 500
    assert json.loads(log[0])["model"] == "support"
