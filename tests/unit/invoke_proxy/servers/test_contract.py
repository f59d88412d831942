"""The REST contract in front of each server: the same conversation has the same answer."""

import json
import re
from typing import Any

import pytest

from tests.unit.invoke_proxy.proxy_double import FakeRuntime, client_of
from tests.unit.invoke_proxy.wires import LLAMA_CPP, TGI, TIE, TOP, VLLM, WIRES, Upstream, Wire

CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi there"}]}
PROMPT_TOKENS = 5  # <s> [INST] Hi there [/INST]
CHATS, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(params=WIRES, ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    each: Wire = request.param
    return each


@pytest.fixture
def hello(wire: Wire) -> Upstream:
    return wire.upstream(" Hello", ",", " you", reason="eos_token", end_token="</s>")


async def ask(upstream: Upstream, route: str, body: Any) -> Any:
    async with client_of(upstream, upstream.wire.settings) as client:
        answer = await client.post(route, body)
    assert answer.status == 200, answer.body
    return answer.events if answer.headers["content-type"] != "application/json" else answer.json


async def test_a_chat_and_its_usage_are_the_same_whole(hello: Upstream) -> None:
    answer = await ask(hello, CHATS, CHAT)
    assert (answer["object"], answer["model"]) == ("chat.completion", "mistral-7b-instruct")
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello, you", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    total = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": 4, "total_tokens": 9}
    assert answer["usage"] == total
    assert [asked.prompt for asked in hello.asked] == ["[INST] Hi there [/INST]"]
    assert [asked.max_tokens for asked in hello.asked] == [150 - PROMPT_TOKENS]


async def test_a_chat_and_its_usage_are_the_same_streamed(hello: Upstream) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    *events, usage, done = await ask(hello, CHATS, body)
    deltas = [event["choices"][0]["delta"] for event in events]
    assert [delta.get("content") for delta in deltas] == ["", "Hello", ",", " you", None]
    assert events[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert (usage["usage"]["total_tokens"], done) == (PROMPT_TOKENS + 4, "[DONE]")
    assert all(event["usage"] is None for event in events)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_is_the_same(hello: Upstream, *, stream: bool) -> None:
    body = {"prompt": "The sea", "echo": True, "stream": stream}
    answer = await ask(hello, COMPLETIONS, body)
    choices = [each["choices"][0] for each in (answer[:-1] if stream else [answer])]
    assert "".join(choice["text"] for choice in choices) == "The sea Hello, you"
    assert choices[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("reason", "finish_reason"),
    [("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop")],
)
async def test_the_finish_reason_is_the_same(wire: Wire, reason: str, finish_reason: str) -> None:
    answer = await ask(wire.upstream("x", reason=reason), CHATS, {**CHAT, "stop": ["x"]})
    assert answer["choices"][0]["finish_reason"] == "stop"
    answer = await ask(wire.upstream("y", reason=reason), CHATS, {**CHAT, "stop": ["x"]})
    assert answer["choices"][0]["finish_reason"] == finish_reason


@pytest.mark.parametrize("logprobs", [False, True])
async def test_a_limit_at_a_control_token_is_told_with_and_without_log_probabilities(
    *, logprobs: bool
) -> None:
    # vLLM looks for the end token before the limit: another control token ends nothing.
    upstream = VLLM.upstream(" a", reason="length", end_token="<s>")
    answer = await ask(upstream, CHATS, {**CHAT, "logprobs": logprobs})
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_sequence_never_appears(wire: Wire, *, stream: bool) -> None:
    upstream = wire.upstream(" one", " E", "ND", reason="stop_sequence")
    answer = await ask(upstream, COMPLETIONS, {"prompt": "a", "stop": [" END"], "stream": stream})
    choices = [each["choices"][0] for each in (answer[:-1] if stream else [answer])]
    assert "".join(choice["text"] for choice in choices) == " one"
    assert choices[-1]["finish_reason"] == "stop"
    assert [asked.stop for asked in upstream.asked] == [[" END"]]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (" ", "Hello"),
        (" Hello", "Hello there"),
        (" there", "Hello"),
        ("Hello", ""),
        ("lo t", "Hel"),
    ],
)
async def test_a_stop_sequence_is_looked_for_in_the_text_that_is_shown(
    wire: Wire, stop: str, text: str, *, stream: bool
) -> None:
    # Mistral's answers begin with a space, which is no part of them.
    upstream = wire.upstream(" Hello", " there", reason="eos_token", end_token="</s>")
    answer = await ask(upstream, CHATS, {**CHAT, "stop": stop, "stream": stream})
    choices = [each["choices"][0] for each in (answer[:-1] if stream else [answer])]
    said = [choice.get("message") or choice["delta"] for choice in choices]
    assert "".join(each.get("content") or "" for each in said) == text
    assert choices[-1]["finish_reason"] == "stop"


async def test_the_tokens_of_a_stop_sequence_are_part_of_the_usage(wire: Wire) -> None:
    upstream = wire.upstream(" one", " E", "ND", reason="stop_sequence")
    answer = await ask(upstream, COMPLETIONS, {"prompt": "a", "stop": [" END"]})
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("top", [0, 1])
async def test_log_probabilities_are_the_same(hello: Upstream, top: int, *, stream: bool) -> None:
    body = {**CHAT, "logprobs": True, "top_logprobs": top, "stream": stream}
    answer = await ask(hello, CHATS, body)
    choices = [each["choices"][0] for each in (answer[:-1] if stream else [answer])]
    scored = [
        each for choice in choices if (found := choice["logprobs"]) for each in found["content"]
    ]
    assert [each["token"] for each in scored] == ["Hello", ",", " you"]
    assert scored[1]["logprob"] == -0.5
    assert all(len(each["top_logprobs"]) == top for each in scored)


async def test_log_probabilities_of_a_completion_are_the_same(hello: Upstream) -> None:
    answer = await ask(hello, COMPLETIONS, {"prompt": "a", "logprobs": 0})
    assert answer["choices"][0]["logprobs"] == {
        "tokens": [" Hello", ",", " you"],
        "token_logprobs": [-0.5, -0.5, -0.5],
        "top_logprobs": [{}, {}, {}],
        "text_offset": [0, 6, 7],
    }


async def test_n_answers_have_seeds_of_their_own(hello: Upstream) -> None:
    answer = await ask(hello, CHATS, {**CHAT, "n": 3, "seed": 5})
    assert [choice["message"]["content"] for choice in answer["choices"]] == ["Hello, you"] * 3
    assert answer["usage"]["completion_tokens"] == 12
    assert sorted(asked.seed or 0 for asked in hello.asked) == [5, 6, 7]


@pytest.mark.parametrize("route", [CHATS, COMPLETIONS, "/generate_stream"])
async def test_an_error_amid_an_answer_is_an_event_without_upstreams_text(
    hello: Upstream, route: str
) -> None:
    hello.edit = lambda frames: [*frames[:3], hello.wire.error]
    asked: dict[str, Any] = {CHATS: CHAT, COMPLETIONS: {"prompt": "x"}}.get(route, {"inputs": "x"})
    events = await ask(hello, route, {**asked, "stream": True})
    assert "secret" not in json.dumps(events)
    last = events[-1]
    assert (last["error"]["code"] if "v1" in route else last["code"]) == "model_error"


async def test_an_answer_that_breaks_off_is_interrupted(hello: Upstream) -> None:
    hello.edit = lambda frames: frames[:2]
    async with client_of(hello, hello.wire.settings) as client:
        answer = await client.post(COMPLETIONS, {"prompt": "a"})
    assert (answer.status, answer.error["code"]) == (502, "stream_interrupted")


@pytest.mark.parametrize("garbage", [b"data: {}\n\n", b"data: {\n\n", b'data: {"choices":1}\n\n'])
async def test_garbage_is_a_fault_of_the_model(wire: Wire, garbage: bytes) -> None:
    async with client_of(FakeRuntime(garbage), wire.settings) as client:
        answer = await client.post(COMPLETIONS, {"prompt": "a"})
    assert (answer.status, answer.error["code"]) == (502, "model_error")


async def test_a_usage_that_is_equal_is_not_worth_a_word(hello: Upstream) -> None:
    log: list[str] = []
    async with client_of(hello, hello.wire.settings, log) as client:
        await client.post(CHATS, CHAT)
    assert "usage_difference" not in log[0]


@pytest.mark.parametrize("wire", [VLLM, LLAMA_CPP], ids=lambda wire: wire.name)
async def test_a_usage_that_the_server_counts_otherwise_is_noted_and_not_passed_on(
    wire: Wire,
) -> None:
    upstream = wire.upstream(" Hello", reason="eos_token", end_token="</s>")
    upstream.edit = lambda frames: [
        re.sub(b'(_tokens": )2', b"\\g<1>1", frame).replace(
            b'"prompt_tokens": 3', b'"prompt_tokens": 9'
        )
        for frame in frames
    ]
    log: list[str] = []
    async with client_of(upstream, wire.settings, log) as client:
        answer = await client.post(COMPLETIONS, {"prompt": "a b"})
    line = json.loads(log[0])
    assert answer.json["usage"]["prompt_tokens"] == 3
    assert line["usage_difference"] == _DIFFERENCES[wire.name]
    assert line["UsageDifferences"] == 1
    assert line["error"] is None


_DIFFERENCES = {
    "vllm": {"prompt_tokens": 6, "completion_tokens": -1},
    "llama-cpp": {"prompt_tokens": 6},  # It counts the tokens of the answer.
}


async def test_generate_answers_tgis_events(hello: Upstream) -> None:
    events = await ask(hello, "/generate_stream", {"inputs": "a", "parameters": {"details": True}})
    shown = [event["token"] for event in events if not event["token"]["special"]]
    assert [token["text"] for token in shown] == [" Hello", ",", " you"]
    assert [(token["id"], token["logprob"]) for token in shown] == [(7, -0.5)] * 3
    assert [event["generated_text"] for event in events[:-1]] == [None] * (len(events) - 1)
    assert events[-1]["generated_text"] == " Hello, you"
    details = {"finish_reason": "eos_token", "generated_tokens": 4, "seed": None}
    assert events[-1]["details"] == details


async def test_generate_keeps_the_stop_sequence_as_tgi_does(wire: Wire) -> None:
    upstream = wire.upstream(" one", " END", reason="stop_sequence")
    body = {"inputs": "a", "parameters": {"stop": [" END"], "details": True}}
    answer = await ask(upstream, "/generate", body)
    assert answer["generated_text"] == " one END"
    assert answer["details"]["finish_reason"] == "stop_sequence"
    assert answer["details"]["generated_tokens"] == 2
    assert upstream.open == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_the_full_text_begins_with_the_inputs(hello: Upstream, *, stream: bool) -> None:
    body = {"inputs": "Hi!", "parameters": {"return_full_text": True}, "stream": stream}
    answer = await ask(hello, "/invocations", body)
    assert answer[-1]["generated_text"] == "Hi! Hello, you"


async def test_an_answer_without_text_has_tgis_one_event(wire: Wire) -> None:
    upstream = wire.upstream(reason="eos_token", end_token="</s>")
    (event,) = await ask(upstream, "/generate_stream", {"inputs": "a"})
    assert (event["generated_text"], event["token"]["special"]) == ("", True)


@pytest.mark.parametrize("wire", [TGI, LLAMA_CPP], ids=lambda wire: wire.name)
async def test_top_tokens_have_ids(wire: Wire) -> None:
    upstream = wire.upstream(" a")
    body = {"inputs": "a", "parameters": {"top_n_tokens": 1}}
    (event,) = await ask(upstream, "/generate_stream", body)
    top, *ties = event["top_tokens"]
    assert (top["id"], top["text"], top["logprob"]) == (8, *TOP)
    assert [each["text"] for each in ties] == ([TIE] if wire is TGI else [])
