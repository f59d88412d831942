import json
from typing import Any

import pytest

from tests.unit.invoke_proxy.proxy_double import FakeRuntime, client_of, tgi_frames

FRAMES = tgi_frames([" is", " blue"], "eos_token", end_token="</s>")
ROUTES = ("/", "/generate", "/generate_stream", "/invocations")


async def test_generate_answers_the_text() -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post("/generate", {"inputs": "The sea"})
    assert answer.json == {"generated_text": " is blue"}
    assert runtime.bodies == [
        {
            "inputs": "The sea",
            "parameters": {"details": True, "max_new_tokens": 20, "return_full_text": False},
            "stream": True,
        }
    ]


async def test_generate_answers_the_details_when_they_are_asked_for() -> None:
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post("/generate", {"inputs": "x", "parameters": {"details": True}})
    details = answer.json["details"]
    assert details["finish_reason"] == "eos_token"
    assert details["generated_tokens"] == 3
    assert [token["text"] for token in details["tokens"]] == [" is", " blue", "</s>"]
    assert details["tokens"][2]["special"] is True
    assert details["prefill"] == []


async def test_generate_stream_answers_tgis_events() -> None:
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post("/generate_stream", {"inputs": "The sea"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.startswith(b'data:{"token":{"id":7,"text":" is"')
    assert [event["token"]["text"] for event in answer.events] == [" is", " blue", "</s>"]
    assert [event["generated_text"] for event in answer.events] == [None, None, " is blue"]
    assert answer.events[-1]["details"] is None


async def test_generate_stream_has_the_details_when_they_are_asked_for() -> None:
    body = {"inputs": "x", "parameters": {"details": True}}
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post("/generate_stream", body)
    assert answer.events[-1]["details"] == {
        "finish_reason": "eos_token",
        "generated_tokens": 3,
        "seed": None,
    }


@pytest.mark.parametrize("route", ["/invocations", "/"])
async def test_invocations_answers_a_list_or_a_stream(route: str) -> None:
    async with client_of(FakeRuntime(*FRAMES)) as client:
        whole = await client.post(route, {"inputs": "x"})
        stream = await client.post(route, {"inputs": "x", "stream": True})
    assert whole.json == [{"generated_text": " is blue"}]
    assert len(stream.events) == 3


async def test_every_parameter_reaches_the_model_as_it_was_sent() -> None:
    parameters = {
        "do_sample": True,
        "max_new_tokens": 7,
        "repetition_penalty": 1.1,
        "return_full_text": False,
        "seed": 2**64 - 1,
        "stop": ["x"],
        "temperature": 0.5,
        "top_k": 10,
        "top_n_tokens": 2,
        "top_p": 0.9,
        "truncate": 50,
        "typical_p": 0.9,
        "watermark": True,
    }
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post("/generate", {"inputs": "x", "parameters": parameters})
    assert answer.status == 200
    assert runtime.bodies[0]["parameters"] == {**parameters, "details": True}


@pytest.mark.parametrize(
    "parameters",
    [{"decoder_input_details": True}, {"best_of": 2, "do_sample": True}],
)
async def test_what_tgi_cannot_stream_is_asked_for_whole(parameters: dict[str, Any]) -> None:
    details = {
        "finish_reason": "length",
        "generated_tokens": 2,
        "seed": 3,
        "prefill": [{"id": 1, "text": "<s>", "logprob": None}],
        "tokens": [],
    }
    whole = json.dumps([{"generated_text": "y", "details": details}]).encode()
    runtime = FakeRuntime(whole[:30], whole[30:])
    async with client_of(runtime) as client:
        answer = await client.post(
            "/generate", {"inputs": "x", "parameters": {**parameters, "details": True}}
        )
    assert answer.json == {"generated_text": "y", "details": details}
    assert runtime.bodies[0]["stream"] is False


async def test_an_answer_that_is_no_answer_is_a_fault_of_the_model() -> None:
    body = {"inputs": "x", "parameters": {"decoder_input_details": True}}
    async with client_of(FakeRuntime(b"[]")) as client:
        answer = await client.post("/generate", body)
    assert answer.json["code"] == "model_error"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"temperature": 0}, "temperature"),
        ({"top_p": 1}, "top_p"),
        ({"top_k": 0}, "top_k"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"best_of": 3}, "best_of"),
        ({"best_of": 2}, "best_of"),
        ({"best_of": 2, "do_sample": True, "seed": 1}, "seed"),
        ({"top_n_tokens": 6}, "top_n_tokens"),
        ({"truncate": 101}, "truncate"),
        ({"seed": 2**64}, "seed"),
        ({"seed": -1}, "seed"),
        ({"grammar": {}}, "grammar"),
    ],
)
@pytest.mark.parametrize("route", ROUTES)
async def test_a_wrong_parameter_is_refused_in_both_worlds_words(
    route: str, parameters: dict[str, Any], name: str
) -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        answer = await client.post(route, {"inputs": "x", "parameters": parameters})
    assert answer.status == 422
    assert isinstance(answer.error, str)
    assert answer.json["param"] == f"parameters.{name}"
    assert answer.json["error_type"] == "validation"
    assert runtime.bodies == []


@pytest.mark.parametrize(
    "parameters", [{"best_of": 2, "do_sample": True}, {"decoder_input_details": True}]
)
async def test_what_tgi_cannot_stream_is_refused_in_a_stream(parameters: dict[str, Any]) -> None:
    async with client_of(FakeRuntime(*FRAMES)) as client:
        answer = await client.post("/generate_stream", {"inputs": "x", "parameters": parameters})
    assert answer.status == 422
    assert answer.json["error_type"] == "validation"


@pytest.mark.parametrize("route", ROUTES)
async def test_what_does_not_fit_is_refused_with_both_numbers(route: str) -> None:
    runtime = FakeRuntime(*FRAMES)
    async with client_of(runtime) as client:
        longest = await client.post(route, {"inputs": "w " * 99})
        too_long = await client.post(route, {"inputs": "w " * 100})
        fitting = {"inputs": "w " * 200, "parameters": {"truncate": 100, "max_new_tokens": 50}}
        truncated = await client.post(route, fitting)
        window = await client.post(route, {"inputs": "w", "parameters": {"max_new_tokens": 149}})
    assert [longest.status, too_long.status, truncated.status, window.status] == [200, 422] * 2
    for refused, given in ((too_long, "101"), (window, "151")):
        assert refused.json["code"] == "context_length_exceeded"
        assert refused.json["param"] == "inputs"
        assert given in refused.error


async def test_a_fault_in_mid_stream_is_tgis_error_event() -> None:
    async with client_of(
        FakeRuntime(FRAMES[0], b'data:{"error":"x","error_type":"y"}\n\n')
    ) as client:
        answer = await client.post("/generate_stream", {"inputs": "x"})
    assert answer.status == 200
    assert answer.events[-1]["error_type"] == "generation"
    assert answer.events[-1]["code"] == "model_error"


async def test_info_describes_the_model_as_tgi_does() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.get("/info")
    assert answer.json == {
        "model_id": "mistral-7b-instruct",
        "max_concurrent_requests": 128,
        "max_best_of": 2,
        "max_stop_sequences": 4,
        "max_input_length": 100,
        "max_total_tokens": 150,
        "version": "1.1.0",
    }


async def test_json_that_cannot_be_read_is_a_bad_request_as_at_tgi() -> None:
    async with client_of(FakeRuntime()) as client:
        answer = await client.post("/generate", b"{")
    assert answer.status == 400
    assert answer.json["error_type"] == "validation"
