"""Streams under bad conditions: faults, deadlines, idle endpoints and callers that leave."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from invoke_proxy.http import context
from invoke_proxy.http.errors import KINDS, EndpointError
from tests.unit import virtual_clock
from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames
from tests.unit.virtual_clock import in_virtual_time

CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
STREAMED = {**CHAT, "stream": True}
ROUTE = "/v1/chat/completions"
FRAMES = tgi_frames([" a", "b", "c"])
FAULTS = [code for code, kind in KINDS.items() if kind.status in {429, 502, 503, 504}]


@pytest.mark.parametrize("body", [CHAT, STREAMED], ids=["whole", "streamed"])
@pytest.mark.parametrize("code", FAULTS)
async def test_a_fault_before_the_first_byte_has_its_status(
    code: str, body: dict[str, Any]
) -> None:
    async with client_of(FakeRuntime(EndpointError(code))) as client:
        answer = await client.post(ROUTE, body)
    kind = KINDS[code]
    assert answer.status == kind.status
    assert answer.headers["content-type"] == "application/json"
    retry_after = kind.retry_after_seconds
    assert answer.headers.get("retry-after") == (str(retry_after) if retry_after else None)
    assert answer.headers.get("x-should-retry") == ("false" if kind.final else None)
    assert answer.error == {
        "message": kind.message,
        "type": kind.type,
        "param": None,
        "code": code,
    }


@pytest.mark.parametrize(("code", "seconds"), [("model_overloaded", "17"), ("no_capacity", "60")])
async def test_the_plan_says_when_a_place_is_free(code: str, seconds: str) -> None:
    planned = structs.replace(SETTINGS, retry_after_seconds=17)
    async with client_of(FakeRuntime(EndpointError(code)), planned) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert answer.headers["retry-after"] == seconds


@pytest.mark.parametrize("code", FAULTS)
async def test_a_fault_in_mid_stream_is_an_error_event_and_the_end(code: str) -> None:
    async with client_of(FakeRuntime(*FRAMES[:2], EndpointError(code))) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert answer.status == 200
    assert answer.events[-1]["error"]["code"] == code
    assert "[DONE]" not in answer.events
    assert not any(
        choice["finish_reason"] for event in answer.events[:-1] for choice in event["choices"]
    )


async def test_a_stream_that_ends_early_is_not_complete() -> None:
    async with client_of(FakeRuntime(*FRAMES[:2])) as client:
        streamed = await client.post(ROUTE, STREAMED)
        whole = await client.post(ROUTE, CHAT)
    assert streamed.events[-1]["error"]["code"] == "stream_interrupted"
    assert (whole.status, whole.error["code"]) == (502, "stream_interrupted")


@in_virtual_time
async def test_a_caller_that_leaves_a_stream_stops_the_generation() -> None:
    log: list[str] = []
    runtime = FakeRuntime(FRAMES[0], 0.01, FRAMES[1], 60.0, FRAMES[2])
    async with client_of(runtime, log=log) as client:
        answer = await client.request(
            "POST", ROUTE, json.dumps(STREAMED).encode(), leave_after_chunks=2
        )
    assert not answer.complete
    assert runtime.open == 0
    assert json.loads(log[0])["status"] == 499
    assert json.loads(log[0])["TokensOut"] == 2


@pytest.mark.parametrize("body", [CHAT, STREAMED], ids=["whole", "streamed"])
@in_virtual_time
async def test_a_caller_that_leaves_before_the_first_byte_stops_the_generation(
    body: dict[str, Any],
) -> None:
    runtime = FakeRuntime(60.0, *FRAMES)
    async with client_of(runtime) as client:
        answer = await client.request(
            "POST", ROUTE, json.dumps(body).encode(), leave_after_chunks=0
        )
    assert answer.status == 0
    assert runtime.open == 0


@in_virtual_time
async def test_an_idle_stream_is_kept_alive_by_comments() -> None:
    async with client_of(FakeRuntime(35.0, *FRAMES)) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert answer.chunks[:3] == [b": keep-alive\n\n"] * 3
    assert answer.body.count(b": keep-alive") == 3
    assert answer.events[-1] == "[DONE]"


@in_virtual_time
async def test_a_busy_stream_needs_no_comments() -> None:
    frames = tgi_frames(["x"] * 10)
    steps = [step for frame in frames for step in (9.0, frame)]
    async with client_of(FakeRuntime(*steps)) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert b": keep-alive" not in answer.body


@in_virtual_time
async def test_a_fault_after_a_comment_is_an_event() -> None:
    async with client_of(FakeRuntime(15.0, EndpointError("model_error"))) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert answer.status == 200
    assert answer.events[-1]["error"]["code"] == "model_error"


@in_virtual_time
async def test_a_long_whole_answer_is_kept_alive_by_white_space() -> None:
    async with client_of(FakeRuntime(300.0, *FRAMES)) as client:
        answer = await client.post(ROUTE, CHAT)
    assert answer.body.startswith(b"  {")
    assert answer.json["choices"][0]["message"]["content"] == "abc"


@in_virtual_time
async def test_a_whole_answer_that_has_begun_is_broken_off_by_a_fault() -> None:
    log: list[str] = []
    async with client_of(FakeRuntime(150.0, EndpointError("model_error")), log=log) as client:
        answer = await client.post(ROUTE, CHAT)
    assert not answer.complete
    assert json.loads(log[0])["error"] == "model_error"


@pytest.fixture
def _virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(time=virtual_clock.now, monotonic=virtual_clock.now)
    monkeypatch.setattr(context, "time", clock)


def deadline_in(seconds: float) -> dict[str, str]:
    deadline = int((virtual_clock.now() + seconds) * 1000)
    return {"x-amzn-lambda-context": json.dumps({"deadline": deadline})}


@pytest.mark.usefixtures("_virtual_clock")
@in_virtual_time
async def test_the_deadline_ends_a_whole_answer_with_a_timeout() -> None:
    runtime = FakeRuntime(FRAMES[0], 60.0)
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, CHAT, deadline_in(30))
        assert virtual_clock.now() == pytest.approx(29)  # so that the client still gets the error
    assert (answer.status, answer.error["code"]) == (504, "timeout")
    assert runtime.open == 0


@pytest.mark.usefixtures("_virtual_clock")
@in_virtual_time
async def test_the_deadline_ends_a_stream_with_an_error_event() -> None:
    async with client_of(FakeRuntime(FRAMES[0], 60.0)) as client:
        answer = await client.post(ROUTE, STREAMED, deadline_in(30))
    assert answer.events[-1]["error"]["code"] == "timeout"


@in_virtual_time
async def test_tokens_are_sent_one_by_one() -> None:
    steps = [step for frame in tgi_frames(["x"] * 5) for step in (frame, 0.02)]
    async with client_of(FakeRuntime(*steps)) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert len(answer.chunks) == 5  # one a token, the last with its end and [DONE]


async def test_tokens_that_arrive_together_are_sent_together() -> None:
    frames = tgi_frames(["x"] * 5)
    async with client_of(FakeRuntime(b"".join(frames[:3]), b"".join(frames[3:]))) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert len(answer.chunks) == 2
    assert answer.events[-1] == "[DONE]"


async def test_what_arrives_with_a_fault_is_sent_before_it() -> None:
    fault = b'data:{"error":"secret","error_type":"generation"}\n\n'
    async with client_of(FakeRuntime(FRAMES[0] + fault)) as client:
        answer = await client.post(ROUTE, STREAMED)
    texts = [event["choices"][0]["delta"].get("content") for event in answer.events[:-1]]
    assert "".join(filter(None, texts)) == "a"
    assert answer.events[-1]["error"]["code"] == "model_error"


async def test_an_answers_end_does_not_wait_for_the_endpoint_to_close() -> None:
    runtime = FakeRuntime(*FRAMES, 60.0)
    async with client_of(runtime) as client, asyncio.timeout(50):
        answer = await client.post(ROUTE, STREAMED, leave_after_chunks=len(FRAMES))
    assert answer.events[-1] == "[DONE]"


async def test_a_mistake_of_our_own_is_an_internal_error_without_its_text() -> None:
    log: list[str] = []
    mistake = RuntimeError("the prompt was: secret")
    async with client_of(FakeRuntime(mistake), log=log) as client:
        answer = await client.post(ROUTE, CHAT)
        broken = await client.post(ROUTE, STREAMED)
    for each in (answer, broken):
        assert (each.status, each.error["code"]) == (500, "internal_error")
    assert all(json.loads(line)["error"] == "internal_error" for line in log)
    assert "RuntimeError in invoke" in log[0]
    assert not any("secret" in line for line in log)


async def test_a_mistake_of_our_own_in_mid_stream_is_an_error_event_without_its_text() -> None:
    log: list[str] = []
    async with client_of(FakeRuntime(FRAMES[0], RuntimeError("secret")), log=log) as client:
        answer = await client.post(ROUTE, STREAMED)
    assert answer.events[-1]["error"]["code"] == "internal_error"
    assert "secret" not in answer.body.decode()
    line = json.loads(log[0])
    assert line["error"] == "internal_error"
    assert line["cause"].startswith("RuntimeError in invoke")
