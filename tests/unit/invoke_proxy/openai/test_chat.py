import re

import msgspec
import pytest

from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of, tgi_frames

CHAT = {"model": "mistral-7b-instruct", "messages": [{"role": "user", "content": "Hi there"}]}
PROMPT_TOKENS = 5  # <s> [INST] Hi there [/INST]
ROUTE = "/v1/chat/completions"
HELLO = tgi_frames([" Hello", ",", " you"], "eos_token", end_token="</s>")


async def test_a_chat_is_streamed_a_token_an_event() -> None:
    async with client_of(FakeRuntime(*HELLO)) as client:
        answer = await client.post(ROUTE, {**CHAT, "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.events[-1] == "[DONE]"
    choices = [event["choices"][0] for event in answer.events[:-1]]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": ""},
        {"content": "Hello"},
        {"content": ","},
        {"content": " you"},
        {},
    ]
    assert [choice["finish_reason"] for choice in choices] == [None] * 4 + ["stop"]
    assert "usage" not in answer.events[0]
    assert len({event["id"] for event in answer.events[:-1]}) == 1


async def test_the_prompt_and_all_that_is_left_of_the_window_go_to_the_model() -> None:
    runtime = FakeRuntime(*HELLO)
    async with client_of(runtime) as client:
        await client.post(ROUTE, CHAT)
    assert runtime.bodies == [
        {
            "inputs": "[INST] Hi there [/INST]",
            "parameters": {
                "details": True,
                "do_sample": True,
                "max_new_tokens": 150 - PROMPT_TOKENS,
                "return_full_text": False,
                "temperature": 1.0,
            },
            "stream": True,
        }
    ]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"temperature": 0}, {}),
        ({"temperature": 0, "top_p": 0.5}, {}),
        ({"top_p": 0}, {}),
        ({"temperature": 1e-9}, {}),
        ({"temperature": 0.7, "top_p": 1}, {"do_sample": True, "temperature": 0.7}),
        ({"top_p": 0.9}, {"do_sample": True, "temperature": 1.0, "top_p": 0.9}),
        ({"temperature": 0, "seed": -1}, {"seed": 2**63 - 1}),
        ({"temperature": 0, "stop": "x"}, {"stop": ["x"]}),
        ({"temperature": 0, "stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"temperature": 0, "user": "ann"}, {}),
        ({"temperature": 0, "max_tokens": 9}, {"max_new_tokens": 9}),
        ({"temperature": 0, "max_completion_tokens": 9}, {"max_new_tokens": 9}),
        ({"temperature": 0, "logprobs": True, "top_logprobs": 2}, {"top_n_tokens": 2}),
    ],
)
async def test_a_parameter_is_mapped_onto_tgis(
    asked: dict[str, object], sent: dict[str, object]
) -> None:
    runtime = FakeRuntime(*HELLO)
    async with client_of(runtime) as client:
        assert (await client.post(ROUTE, {**CHAT, **asked})).status == 200
    always = {"details": True, "return_full_text": False, "max_new_tokens": 145}
    assert runtime.bodies[0]["parameters"] == {**always, **sent}


async def test_a_special_token_amid_an_answer_never_appears() -> None:
    frames = tgi_frames([" one", "</s>", " two"])
    frames[1] = frames[1].replace(b'"special": false', b'"special": true')
    async with client_of(FakeRuntime(*frames)) as client:
        whole = await client.post(ROUTE, CHAT)
        stream = await client.post(ROUTE, {**CHAT, "stream": True})
    assert whole.json["choices"][0]["message"]["content"] == "one two"
    deltas = [event["choices"][0]["delta"] for event in stream.events[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "one two"


async def test_a_stop_sequence_inside_a_token_ends_the_generation() -> None:
    runtime = FakeRuntime(*tgi_frames([" a", "b;c", "d"]))
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, {**CHAT, "stop": ";"})
    assert answer.json["choices"][0]["message"]["content"] == "ab"
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    assert answer.json["usage"]["completion_tokens"] == 2
    assert runtime.open == 0


async def test_text_that_only_looked_like_a_stop_sequence_is_shown_at_the_end() -> None:
    async with client_of(FakeRuntime(*tgi_frames([" a#", "#"]))) as client:
        answer = await client.post(ROUTE, {**CHAT, "stop": "###"})
    (choice,) = answer.json["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("a##", "length")


async def test_an_end_token_in_the_last_place_allowed_is_a_stop() -> None:
    frames = tgi_frames([" a", " b"], "length", end_token="</s>")  # TGI 1.1 counts first
    async with client_of(FakeRuntime(*frames)) as client:
        answer = await client.post(ROUTE, {**CHAT, "max_tokens": 3})
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    assert answer.json["usage"]["completion_tokens"] == 3


async def test_an_answer_that_does_not_say_how_it_ended_is_a_fault_of_the_model() -> None:
    last = msgspec.json.decode(tgi_frames(["x"])[0][5:])
    last["details"] = None
    frame = b"data:" + msgspec.json.encode(last) + b"\n\n"
    async with client_of(FakeRuntime(frame)) as client:
        answer = await client.post(ROUTE, CHAT)
    assert (answer.status, answer.error["code"]) == (502, "model_error")


async def test_n_answers_are_streamed_together() -> None:
    async with client_of(FakeRuntime(*HELLO)) as client:
        answer = await client.post(ROUTE, {**CHAT, "n": 2, "stream": True})
    for index in (0, 1):
        choices = [
            event["choices"][0]
            for event in answer.events[:-1]
            if event["choices"][0]["index"] == index
        ]
        assert choices[0]["delta"]["role"] == "assistant"
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        assert (text, choices[-1]["finish_reason"]) == ("Hello, you", "stop")


async def test_logprobs_cover_the_shown_tokens_with_their_alternatives() -> None:
    events = [msgspec.json.decode(frame[5:]) for frame in HELLO]
    events[0]["top_tokens"] = [{"id": 1, "text": " Hallo", "logprob": -1.5, "special": False}]
    frames = [b"data:" + msgspec.json.encode(event) + b"\n\n" for event in events]
    async with client_of(FakeRuntime(*frames)) as client:
        answer = await client.post(ROUTE, {**CHAT, "logprobs": True, "top_logprobs": 1})
    content = answer.json["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["Hello", ",", " you"]
    assert content[0] == {
        "token": "Hello",
        "logprob": -0.5,
        "bytes": list(b"Hello"),
        "top_logprobs": [{"token": "Hallo", "logprob": -1.5, "bytes": list(b"Hallo")}],
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_logprobs_lose_no_token_though_it_has_no_text(*, stream: bool) -> None:
    frames = tgi_frames([" ", "Hi", "", " you", "", ""])  # a bare prefix, and halves of a character
    async with client_of(FakeRuntime(*frames)) as client:
        answer = await client.post(ROUTE, {**CHAT, "logprobs": True, "stream": stream})
    if stream:
        choices = [event["choices"][0] for event in answer.events[:-1]]
        scored = [choice["logprobs"]["content"] for choice in choices if choice["logprobs"]]
        text = "".join(choice["delta"].get("content", "") for choice in choices)
    else:
        (choice,) = answer.json["choices"]
        scored, text = [choice["logprobs"]["content"]], choice["message"]["content"]
    tokens = [entry["token"] for content in scored for entry in content]
    assert (tokens, text) == (["", "Hi", "", " you", "", ""], "Hi you")


async def test_logprobs_leave_out_the_tokens_of_a_stop_sequence() -> None:
    frames = tgi_frames([" a", "b", "EN", "D"], "stop_sequence")
    async with client_of(FakeRuntime(*frames)) as client:
        answer = await client.post(ROUTE, {**CHAT, "logprobs": True, "stop": "END"})
    content = answer.json["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"model": "gpt-4"}, "model_not_found", "model"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "invalid_request", "max_tokens"),
        ({"top_logprobs": 2}, "invalid_request", "top_logprobs"),
        ({"stream_options": {}}, "invalid_request", "stream_options"),
        ({"tools": [{"type": "function"}]}, "unsupported_parameter", "tools"),
    ],
)
async def test_a_wrong_request_is_refused_before_it_costs_an_invocation(
    change: dict[str, object], code: str, param: str
) -> None:
    runtime = FakeRuntime(*HELLO)
    async with client_of(runtime) as client:
        answer = await client.post(ROUTE, {**CHAT, **change})
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert runtime.bodies == []


async def test_a_prompt_that_fills_the_input_is_accepted_and_one_more_token_is_not() -> None:
    words = ["w"] * (100 - 3)  # beside <s>, [INST] and [/INST]
    runtime = FakeRuntime(*HELLO)
    async with client_of(runtime) as client:
        fits = await client.post(ROUTE, chat_of(" ".join(words)))
        refused = await client.post(ROUTE, chat_of(" ".join([*words, "w"])))
    assert fits.status == 200
    assert fits.json["usage"]["prompt_tokens"] == 100
    assert runtime.bodies[0]["parameters"]["max_new_tokens"] == 50
    assert refused.status == 400
    assert refused.error["code"] == "context_length_exceeded"
    assert "100" in refused.error["message"]
    assert "101" in refused.error["message"]
    assert len(runtime.bodies) == 1


async def test_an_answer_that_cannot_fit_the_window_is_refused_with_both_numbers() -> None:
    async with client_of(FakeRuntime(*HELLO)) as client:
        fits = await client.post(ROUTE, {**CHAT, "max_tokens": 145})
        refused = await client.post(ROUTE, {**CHAT, "max_tokens": 146})
    assert fits.status == 200
    assert refused.error["code"] == "context_length_exceeded"
    assert "150" in refused.error["message"]
    assert "151" in refused.error["message"]


def chat_of(text: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}]}


async def test_chat_on_a_base_model_is_refused() -> None:
    settings = msgspec.structs.replace(SETTINGS, prompt_format="none")
    async with client_of(FakeRuntime(*HELLO), settings) as client:
        answer = await client.post(ROUTE, CHAT)
    assert answer.status == 400
    assert "/v1/completions" in answer.error["message"]


@pytest.mark.parametrize("name", ["tgi", "dummy", None])
async def test_the_names_that_single_model_clients_send_are_accepted(name: str | None) -> None:
    async with client_of(FakeRuntime(*HELLO)) as client:
        answer = await client.post(ROUTE, {**CHAT, "model": name})
    assert answer.json["model"] == "mistral-7b-instruct"


@pytest.mark.parametrize("max_tokens", [None, 10_000_000])
async def test_a_prompt_that_does_not_fit_is_refused_in_the_words_that_clients_look_for(
    max_tokens: int | None,
) -> None:
    text = "Hi" if max_tokens else "word " * 40_000
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": max_tokens}
    async with client_of(FakeRuntime(*HELLO)) as client:
        answer = await client.post(ROUTE, body)
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded")
    # LiteLLM's and LangChain's, and a number for those that shorten the prompt by it.
    assert "prompt is too long" in answer.error["message"]
    assert re.search(r"maximum context length is \d+ tokens", answer.error["message"])


async def test_an_unknown_route_is_told_which_to_use() -> None:
    async with client_of(FakeRuntime(*HELLO)) as client:
        answer = await client.post("/v1/responses", {"input": "Hi"})
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")
    assert "/v1/chat/completions" in answer.error["message"]
