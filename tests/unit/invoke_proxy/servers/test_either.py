"""While one server takes over from another: either answers, and none is asked for too much."""

import json
from typing import Any

import msgspec
import pytest

from invoke_proxy.settings import Settings
from tests.unit.invoke_proxy.proxy_double import FakeRuntime, client_of
from tests.unit.invoke_proxy.wires import TGI, VLLM, Wire

_CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi there"}]}
_ROUTES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": _CHAT,
    "/v1/completions": {"prompt": "Hi there"},
    "/generate": {"inputs": "Hi there"},
}


def _settings(first: Wire) -> Settings:
    other = {TGI.name: VLLM.name, VLLM.name: TGI.name}[first.name]
    return msgspec.structs.replace(first.settings, other_server=other)


def _said(answer: Any) -> str:
    """Return the text of a whole answer, or of a stream's events."""
    events = answer.events if "event-stream" in answer.headers["content-type"] else [answer.json]
    texts = []
    for event in (each for each in events if each != "[DONE]"):
        for choice in event.get("choices", ()):
            said = choice.get("message") or choice.get("delta") or choice
            texts.append(said.get("content") or said.get("text") or "")
        texts.append(event.get("generated_text") or "")
    return "".join(texts)


@pytest.mark.parametrize("configured", [TGI, VLLM], ids=lambda wire: wire.name)
@pytest.mark.parametrize("answering", [TGI, VLLM], ids=lambda wire: wire.name)
@pytest.mark.parametrize("stream", [False, True])
async def test_whichever_server_answers_the_client_has_its_answer(
    configured: Wire, answering: Wire, *, stream: bool
) -> None:
    for route, body in _ROUTES.items():
        upstream = answering.upstream(" Hello", ",", " you", reason="eos_token", end_token="</s>")
        async with client_of(upstream, _settings(configured)) as client:
            tgi = route == "/generate"
            path = "/generate_stream" if tgi and stream else route
            answer = await client.post(path, body if tgi else {**body, "stream": stream})
        assert answer.status == 200, answer.body
        assert _said(answer).strip() == "Hello, you"
        assert [each.prompt for each in upstream.asked] == [
            "[INST] Hi there [/INST]" if "chat" in route else "Hi there"
        ]


@pytest.mark.parametrize("answering", [TGI, VLLM], ids=lambda wire: wire.name)
@pytest.mark.parametrize("before", [0, 2])
async def test_an_error_of_either_is_an_error(answering: Wire, before: int) -> None:
    upstream = answering.upstream("a", "b", "c")
    upstream.edit = lambda frames: [*frames[:before], answering.error]
    for configured in (TGI, VLLM):
        async with client_of(upstream, _settings(configured)) as client:
            answer = await client.post("/v1/completions", {"prompt": "x"})
        assert (answer.status, answer.error["code"]) == (502, "model_error")
        assert "secret" not in json.dumps(answer.json)


@pytest.mark.parametrize("garbage", [b"data: {}\n\n", b"data: {\n\n", b'data: {"choices":1}\n\n'])
async def test_what_neither_says_is_a_fault_of_the_model(garbage: bytes) -> None:
    async with client_of(FakeRuntime(garbage), _settings(TGI)) as client:
        answer = await client.post("/v1/completions", {"prompt": "x"})
    assert (answer.status, answer.error["code"]) == (502, "model_error")


async def test_the_events_of_both_are_no_answer() -> None:
    upstream = TGI.upstream("a", "b")
    mixed = VLLM.upstream("c").wire.frames({"prompt": "x"}, VLLM.upstream("c").said)
    upstream.edit = lambda frames: [frames[0], *mixed]
    async with client_of(upstream, _settings(TGI)) as client:
        answer = await client.post("/v1/completions", {"prompt": "x"})
    assert answer.error["code"] == "model_error"


@pytest.mark.parametrize(
    ("route", "more"),
    [
        ("/v1/completions", {"frequency_penalty": 1}),  # TGI has none
        ("/v1/completions", {"stop": list("abcde")}),  # TGI takes four
        ("/generate", {"parameters": {"typical_p": 0.5}}),  # vLLM has none
        (
            "/generate",
            {"parameters": {"do_sample": True, "temperature": 3.0}},
        ),  # vLLM's is at most 2
    ],
)
async def test_what_one_of_them_lacks_is_refused(route: str, more: dict[str, Any]) -> None:
    upstream = TGI.upstream("a")
    async with client_of(upstream, _settings(TGI)) as client:
        answer = await client.post(route, {**_ROUTES[route], **more})
    assert answer.status in (400, 422)
    assert "TGI 1.1 or vLLM" in json.dumps(answer.json)
    assert upstream.bodies == []


async def test_the_document_says_what_both_can_do() -> None:
    async with client_of(TGI.upstream("a"), _settings(VLLM)) as client:
        answer = await client.get("/openapi.json")
    schemas = answer.json["components"]["schemas"]
    for schema, name in (("ChatRequest", "frequency_penalty"), ("GenerateParameters", "typical_p")):
        assert "Not supported" in schemas[schema]["properties"][name]["description"]
