from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames

ROUTE = "/v1/completions"
FRAMES = tgi_frames([" is", " blue"], "eos_token", end_token="</s>")


async def test_a_completion_is_answered_whole() -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, {"prompt": "The sea"})
    assert answer.json["object"] == "text_completion"
    assert answer.json["choices"] == [
        {"index": 0, "text": " is blue", "finish_reason": "stop", "logprobs": None}
    ]
    assert answer.json["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 3,
        "total_tokens": 6,
    }
    assert runtime.bodies[0]["inputs"] == "The sea"
    assert runtime.bodies[0]["parameters"]["max_new_tokens"] == 16


async def test_a_completion_is_streamed_a_token_an_event() -> None:
    body = {"prompt": "The sea", "stream": True, "stream_options": {"include_usage": True}}
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post(ROUTE, body)
    *chunks, usage, done = answer.events
    assert [chunk["choices"][0]["text"] for chunk in chunks] == [" is", " blue", ""]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["total_tokens"] == 6
    assert done == "[DONE]"


@pytest.mark.parametrize(("words", "most"), [(3, 50), (99, 5)])
async def test_without_a_limit_16_tokens_are_generated_or_what_is_left(
    words: int, most: int
) -> None:
    runtime = FakeRuntime(*FRAMES)
    settings = msgspec.structs.replace(SETTINGS, max_total_tokens=100 + most)
    async with client_of(runtime, settings) as client:
        await client.post(ROUTE, {"prompt": "w " * words})
    assert runtime.bodies[0]["parameters"]["max_new_tokens"] == min(most, 16)


async def test_several_prompts_and_choices_are_numbered_prompt_by_prompt() -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, {"prompt": ["a", "b c"], "n": 2, "seed": 1})
    assert [choice["index"] for choice in answer.json["choices"]] == [0, 1, 2, 3]
    sent = [(body["inputs"], body["parameters"]["seed"]) for body in runtime.bodies]
    assert sorted(sent) == [("a", 1), ("a", 2), ("b c", 1), ("b c", 2)]
    assert answer.json["usage"]["prompt_tokens"] == 2 + 3
    assert answer.json["usage"]["completion_tokens"] == 12


@pytest.mark.parametrize("stream", [False, True])
async def test_logprobs_have_the_place_of_each_token(*, stream: bool) -> None:
    body = {"prompt": "The sea", "logprobs": 0, "stream": stream}
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post(ROUTE, body)
    events = answer.events[:-1] if stream else [answer.json]
    logprobs = [event["choices"][0]["logprobs"] for event in events]
    assert [token for each in logprobs for token in each["tokens"]] == [" is", " blue"]
    assert [offset for each in logprobs for offset in each["text_offset"]] == [0, 3]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"prompt": []}, "invalid_request", "prompt"),
        ({"prompt": [1, 2]}, "invalid_request", "prompt[0]"),
        ({"prompt": ["a"] * 3, "n": 3}, "invalid_request", "n"),
        ({"prompt": "a", "echo": True, "logprobs": 1}, "unsupported_parameter", "logprobs"),
        ({"prompt": "a", "suffix": "b"}, "unsupported_parameter", "suffix"),
        ({"prompt": "w " * 100}, "context_length_exceeded", "prompt"),
        ({"prompt": ["a", "w " * 100]}, "context_length_exceeded", "prompt"),
        ({"prompt": "a", "max_tokens": 149}, "context_length_exceeded", "prompt"),
    ],
)
async def test_a_wrong_request_is_refused_before_it_costs_an_invocation(
    body: dict[str, Any], code: str, param: str
) -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, body)
    assert answer.status == 400
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert runtime.bodies == []


async def test_one_choice_that_fails_fails_the_request_and_ends_the_others() -> None:
    class Failing(FakeRuntime):
        async def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
            self.steps = (b"data:garbage\n\n",) if self.bodies else (10.0,)
            async with aclosing(super().invoke(body, component)) as parts:
                async for part in parts:
                    yield part

    runtime = Failing()
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, {"prompt": "a", "n": 2})
    assert answer.error["code"] == "model_error"
    assert runtime.open == 0


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("/v1/completions", {"prompt": ["a", "b", "c"]}, "prompt"),
        ("/v1/completions", {"prompt": "a", "n": 3}, "n"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}], "n": 3}, "n"),
    ],
)
async def test_more_sequences_than_the_server_admits_at_once_are_refused(
    route: str, body: dict[str, Any], param: str
) -> None:
    settings = msgspec.structs.replace(SETTINGS, max_concurrent_requests=2)
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime, settings) as client:
        answer = await client.post(route, body)
    assert answer.status == 400
    assert answer.json["error"]["param"] == param
    assert "must be at most 2, got" in answer.json["error"]["message"]
    assert not runtime.bodies
