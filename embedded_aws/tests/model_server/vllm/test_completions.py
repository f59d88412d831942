"""vLLM's completions, asked as clients ask them."""

import json
from typing import Any

import openai
import pytest

from embedded_aws.tests.model_server.conftest import Json, ModelServer

CHAT = "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n"
EMOJI = "😀🦀" * 10


def complete(vllm: ModelServer, prompt: Any, **body: Any) -> Json:
    """Answer of /invocations to a completion, greedy unless told otherwise."""
    asked = {"prompt": prompt, "max_tokens": 8, "temperature": 0, **body}
    answer: Json = vllm.http.post("/invocations", json=asked).raise_for_status().json()
    return answer


def chunks(vllm: ModelServer, prompt: Any, **body: Any) -> list[Json]:
    """Chunks of the same as a stream, with its usage."""
    asked = {"prompt": prompt, "max_tokens": 8, "temperature": 0, "stream": True, **body}
    response = vllm.http.post(
        "/invocations", json={"stream_options": {"include_usage": True}, **asked}
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, last = response.text.removesuffix("\n\n").split("\n\n")
    assert last == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_stream_says_what_the_whole_answer_says(vllm: ModelServer) -> None:
    whole = complete(vllm, CHAT, logprobs=2, return_token_ids=True)
    *parts, end = chunks(vllm, CHAT, logprobs=2, return_token_ids=True)

    (choice,) = whole["choices"]
    told = [part["choices"][0] for part in parts]
    assert "".join(part["text"] for part in told) == choice["text"]
    assert [id_ for part in told for id_ in part["token_ids"]] == choice["token_ids"]
    assert told[0]["prompt_token_ids"] == choice["prompt_token_ids"]
    assert {part["prompt_token_ids"] for part in told[1:]} == {None}
    logprobs = [each for part in told for each in part["logprobs"]["token_logprobs"]]
    assert logprobs == pytest.approx(choice["logprobs"]["token_logprobs"])
    offsets = [each for part in told for each in part["logprobs"]["text_offset"]]
    assert offsets == choice["logprobs"]["text_offset"]
    assert told[-1]["finish_reason"] == choice["finish_reason"]
    assert end["choices"] == []
    usage = {key: whole["usage"][key] for key in end["usage"]}
    assert end["usage"] == usage
    assert usage["completion_tokens"] == len(choice["token_ids"])
    assert usage["prompt_tokens"] == len(choice["prompt_token_ids"])


def test_openai_client_streams_tokens_as_they_come(
    vllm: ModelServer, client: openai.OpenAI
) -> None:
    before = vllm.computed()
    with client.completions.create(
        model="small",
        prompt="Once upon a time",
        max_tokens=500,
        stream=True,
        extra_body={"ignore_eos": True},
    ) as stream:
        assert next(iter(stream)).choices[0].text
        assert vllm.computed() - before < 3  # of more than 7 for all of them


def test_logprobs_tell_the_token_and_its_rivals(vllm: ModelServer) -> None:
    told = complete(vllm, "The sea is", logprobs=2, temperature=1, seed=7)["choices"][0]["logprobs"]

    for token, logprob, top in zip(
        told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True
    ):
        assert top[token] == logprob
        assert 2 <= len(top) <= 3
    only = complete(vllm, "The sea is", logprobs=0)["choices"][0]["logprobs"]
    assert {len(top) for top in only["top_logprobs"]} == {1}


@pytest.mark.parametrize("is_included", [False, True])
def test_stop_sequence_ends_the_text(vllm: ModelServer, is_included: bool) -> None:  # noqa: FBT001 - a parameter of the test
    free = complete(vllm, "Once upon a time", max_tokens=12)["choices"][0]["text"]
    stop = free[9:14]
    kept = free[: free.index(stop) + (len(stop) if is_included else 0)]
    asked = {"stop": ["never said", stop], "include_stop_str_in_output": is_included}

    whole = complete(vllm, "Once upon a time", max_tokens=12, **asked)["choices"][0]
    parts = [c["choices"][0] for c in chunks(vllm, "Once upon a time", max_tokens=12, **asked)[:-1]]

    assert whole["text"] == "".join(part["text"] for part in parts) == kept
    assert (whole["finish_reason"], whole["stop_reason"]) == ("stop", stop)
    assert (parts[-1]["finish_reason"], parts[-1]["stop_reason"]) == ("stop", stop)


def test_end_token_ends_it_without_text(vllm: ModelServer) -> None:
    choice = complete(vllm, CHAT, max_tokens=200, return_token_ids=True, logprobs=0)["choices"][0]

    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", None)
    assert choice["token_ids"][-1] == 2
    assert choice["logprobs"]["tokens"][-1] == "<|im_end|>"
    assert "<|im_end|>" not in choice["text"]
    exactly = complete(vllm, CHAT, max_tokens=len(choice["token_ids"]))["choices"][0]
    assert exactly["finish_reason"] == "stop"


def test_stop_token_ends_it_and_is_told(vllm: ModelServer) -> None:
    free = complete(vllm, "Once upon a time", return_token_ids=True)["choices"][0]
    third = free["token_ids"][2]

    choice = complete(vllm, "Once upon a time", stop_token_ids=[third], return_token_ids=True)

    (choice,) = choice["choices"]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", third)
    assert choice["token_ids"] == free["token_ids"][: free["token_ids"].index(third) + 1]
    assert free["text"].startswith(choice["text"])


def test_characters_stay_whole_and_every_token_counts(vllm: ModelServer) -> None:
    limit = 9  # amid a character
    asked = {"max_tokens": limit, "return_token_ids": True, "logprobs": 1}
    answer = complete(vllm, EMOJI, **asked)
    (choice,) = answer["choices"]
    parts = [part["choices"][0] for part in chunks(vllm, EMOJI, **asked)[:-1]]

    assert "\ufffd" not in choice["text"]
    assert len(choice["token_ids"]) == answer["usage"]["completion_tokens"] == limit
    assert len(choice["logprobs"]["tokens"]) == limit
    assert [id_ for part in parts for id_ in part["token_ids"]] == choice["token_ids"]


def test_parts_of_a_character_are_the_vocabularys(vllm: ModelServer) -> None:
    (choice,) = complete(vllm, EMOJI, max_tokens=8, return_token_ids=True)["choices"]
    again = complete(vllm, choice["text"], max_tokens=1, return_token_ids=True)["choices"][0]

    assert choice["token_ids"] == again["prompt_token_ids"][: len(choice["token_ids"])]


def test_n_sequences_of_each_prompt_are_told_apart(vllm: ModelServer) -> None:
    asked = {"n": 2, "temperature": 1.5, "seed": 3, "max_tokens": 6}
    answer = complete(vllm, ["Once", "The sea"], **asked)
    parts = chunks(vllm, ["Once", "The sea"], **asked)

    texts = [choice["text"] for choice in answer["choices"]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert texts[0] != texts[1]
    streamed = ["", "", "", ""]
    for part in parts[:-1]:
        streamed[part["choices"][0]["index"]] += part["choices"][0]["text"]
    assert streamed == texts
    assert answer["usage"]["completion_tokens"] <= 24


@pytest.mark.parametrize("seed", [2**32 - 1, -2])
def test_every_seed_repeats_its_answer(vllm: ModelServer, seed: int) -> None:
    asked = {"n": 2, "temperature": 1.5, "seed": seed, "max_tokens": 6}
    first, again = (complete(vllm, "Once upon a time", **asked) for _ in range(2))
    texts = [choice["text"] for choice in first["choices"]]
    assert texts == [choice["text"] for choice in again["choices"]]
    assert texts[0] != texts[1]


def test_prompt_may_be_tokens(vllm: ModelServer) -> None:
    text = complete(vllm, "The sea is", return_token_ids=True)["choices"][0]
    tokens = complete(vllm, text["prompt_token_ids"])["choices"][0]

    assert tokens["text"] == text["text"]
    cut = complete(vllm, "one two three four", truncate_prompt_tokens=2, return_token_ids=True)
    assert len(cut["choices"][0]["prompt_token_ids"]) == 2


def test_penalties_and_biases_change_the_answer(vllm: ModelServer) -> None:
    free = complete(vllm, " sea" * 16, return_token_ids=True)["choices"][0]
    first = free["token_ids"][0]

    banned = complete(vllm, " sea" * 16, logit_bias={str(first): -100}, return_token_ids=True)
    assert first not in banned["choices"][0]["token_ids"]
    for penalty in ({"repetition_penalty": 2.0}, {"frequency_penalty": 2.0}):
        assert complete(vllm, " sea" * 16, **penalty)["choices"][0]["text"] != free["text"]


@pytest.mark.parametrize(
    "form",
    [
        {"response_format": {"type": "json_object"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "n",
                    "schema": {
                        "type": "object",
                        "properties": {"n": {"type": "integer"}},
                        "required": ["n"],
                        "additionalProperties": False,
                    },
                },
            }
        },
    ],
)
def test_answer_keeps_to_its_form(vllm: ModelServer, form: Json) -> None:
    choice = complete(vllm, CHAT, max_tokens=24, **form)["choices"][0]

    if choice["finish_reason"] == "stop":
        assert isinstance(json.loads(choice["text"]), dict)
    assert choice["text"].lstrip().startswith("{")


def test_choice_is_one_of_those_given(vllm: ModelServer) -> None:
    asked = {"structured_outputs": {"choice": ["red", 'blue "sea"']}, "max_tokens": 20}
    assert complete(vllm, CHAT, **asked)["choices"][0]["text"] in {"red", 'blue "sea"'}


def test_slots_are_free_when_their_clients_have_left(vllm: ModelServer) -> None:
    # six generations of 500 tokens on three slots compute for more than 20 seconds
    endless = {"prompt": " sea" * 40, "max_tokens": 500, "ignore_eos": True, "temperature": 0}
    vllm.leave_early(endless, stream_path="/v1/completions")

    before = vllm.computed()
    complete(vllm, "x", max_tokens=1)
    assert vllm.computed() - before < 10
