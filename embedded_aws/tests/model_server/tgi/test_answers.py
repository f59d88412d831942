"""What the model server answers, whole and streamed: TGI 1.1's shapes and endings."""

import re
from contextlib import suppress
from statistics import mean

import httpx
import msgspec
import pytest

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.model_server.conftest import ENDLESS, Json, ModelServer

CHAT = "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n"
EMOJI = "Repeat: " + "😀🦀" * 6


def texts(tokens: list[Json]) -> str:
    return "".join(token["text"] for token in tokens)


@pytest.mark.parametrize("path", ["/", "/health", "/ping"])
def test_health_routes_answer_with_nothing(server: ModelServer, path: str) -> None:
    response = server.http.get(path)

    assert (response.status_code, response.content) == (200, b"")


def test_info_tells_the_model_and_its_limits(server: ModelServer) -> None:
    info = server.http.get("/info").json()

    assert info["model_id"] == MODEL_ID
    assert info["version"] == "1.1.0"
    assert (info["max_input_length"], info["max_total_tokens"]) == (256, 640)
    assert (info["max_best_of"], info["max_stop_sequences"]) == (2, 4)


def test_generate_answers_20_tokens_when_nothing_is_asked(server: ModelServer) -> None:
    response = server.http.post("/generate", json={"inputs": "Once upon a time"})

    assert response.json().keys() == {"generated_text"}
    assert response.headers["x-compute-type"] == "cpu"
    assert response.headers["x-compute-characters"] == "16"
    assert int(response.headers["x-total-time"]) > 0
    assert server.generate("Once upon a time")["details"]["generated_tokens"] == 20


def test_special_tokens_are_read_out_of_a_prompt_as_tgis_tokenizer_does(
    server: ModelServer,
) -> None:
    prompt = "<|im_start|>a<|endoftext|><repo_name><|im_end|>b<|im_ end|>"
    answer = server.generate(prompt, max_new_tokens=1, decoder_input_details=True)

    read = [(token["id"], token["text"]) for token in answer["details"]["prefill"]]
    special = [token for token in read if token[0] <= 16]  # the first 17 of the vocabulary
    assert [number for number, _ in special] == [1, 0, 3, 2]
    assert "".join(text for number, text in read if number > 16) == "ab<|im_ end|>"


def test_details_have_every_field_when_asked(server: ModelServer) -> None:
    answer = server.generate("The sea is", max_new_tokens=3, decoder_input_details=True)

    details = answer["details"]
    assert details.keys() == {"finish_reason", "generated_tokens", "seed", "prefill", "tokens"}
    assert (details["finish_reason"], details["seed"]) == ("length", None)
    assert texts(details["prefill"]) == "The sea is"
    assert texts(details["tokens"]) == answer["generated_text"]
    for token in details["tokens"]:
        assert token.keys() == {"id", "text", "logprob", "special"}
        assert token["logprob"] < 0


@pytest.mark.parametrize("path", ["/", "/invocations"])
def test_invocations_answers_a_list_with_the_prompt_unless_refused(
    server: ModelServer, path: str
) -> None:
    shown = server.http.post(path, json={"inputs": "The sea"}).json()
    hidden = {"inputs": "The sea", "parameters": {"return_full_text": False}}

    assert [answer["generated_text"].startswith("The sea") for answer in shown] == [True]
    assert server.http.post(path, json=hidden).json()[0]["generated_text"] == shown[0][
        "generated_text"
    ].removeprefix("The sea")


def test_invocations_streams_when_asked(server: ModelServer) -> None:
    response = server.http.post("/invocations", json={"inputs": "The sea", "stream": True})

    assert response.headers["content-type"] == "text/event-stream"
    assert response.text.startswith('data:{"token":{')


def test_stream_sends_frames_as_tgi_does(server: ModelServer) -> None:
    body = {"inputs": "The sea is", "parameters": {"max_new_tokens": 5, "details": True}}
    response = server.http.post("/generate_stream", json=body)

    frames = response.text.removesuffix("\n\n").split("\n\n")
    assert all(frame.startswith('data:{"token":{"id":') for frame in frames)
    *before, last = [msgspec.json.decode(frame.removeprefix("data:")) for frame in frames]
    assert len(before) == 4
    assert {event["generated_text"] for event in before} == {None}
    assert last["generated_text"] == texts([event["token"] for event in [*before, last]])
    assert last["details"] == {"finish_reason": "length", "generated_tokens": 5, "seed": None}


def test_stream_ends_without_details_when_not_asked(server: ModelServer) -> None:
    last = server.events("The sea is", max_new_tokens=2, return_full_text=True)[-1]

    assert last["details"] is None
    assert last["generated_text"].startswith("The sea is")


def test_stream_sends_each_token_as_it_comes(server: ModelServer) -> None:
    before = server.computed()
    with server.endless_stream():  # its first token has come
        assert server.computed() - before < 3  # of more than 8 for all of them


def test_stop_sequence_ends_the_text_and_stands_in_it(server: ModelServer) -> None:
    free = server.generate("Once upon a time", max_new_tokens=12)["details"]["tokens"]
    stop = free[4]["text"] + free[5]["text"]

    answer = server.generate("Once upon a time", max_new_tokens=12, stop=["never said", stop])

    assert answer["generated_text"].endswith(stop)
    assert answer["details"]["finish_reason"] == "stop_sequence"
    assert answer["details"]["generated_tokens"] == len(answer["details"]["tokens"]) <= 6


def test_end_token_is_sent_as_special_and_not_in_the_text(server: ModelServer) -> None:
    answer = server.generate(CHAT, max_new_tokens=200)

    details = answer["details"]
    assert details["finish_reason"] == "eos_token"
    assert details["tokens"][-1]["text"] == "<|im_end|>"
    assert details["tokens"][-1]["special"]
    assert answer["generated_text"] == texts(details["tokens"][:-1])
    assert details["generated_tokens"] == len(details["tokens"])


def test_limit_is_the_reason_when_the_end_token_is_also_the_last_allowed(
    server: ModelServer,
) -> None:
    length = server.generate(CHAT, max_new_tokens=200)["details"]["generated_tokens"]

    at_limit = server.generate(CHAT, max_new_tokens=length)

    assert at_limit["details"]["finish_reason"] == "length"
    assert at_limit["details"]["tokens"][-1]["special"]


@pytest.mark.parametrize("limit", [1, 2, 3, 20])
def test_characters_stay_whole_when_their_tokens_are_split(server: ModelServer, limit: int) -> None:
    answer = server.generate(EMOJI, max_new_tokens=limit)
    streamed = server.events(EMOJI, max_new_tokens=limit)

    assert re.search("[😀🦀]", answer["generated_text"])
    assert "\ufffd" not in answer["generated_text"]
    assert answer["details"]["generated_tokens"] == limit
    assert texts([event["token"] for event in streamed]) == answer["generated_text"]


def test_unicode_line_separators_pass_through(server: ModelServer) -> None:
    answer = server.generate("a\u2028b\u2028" * 12, max_new_tokens=20)

    assert "\u2028" in answer["generated_text"]


def test_truncate_keeps_the_last_tokens(server: ModelServer) -> None:
    text = "one two three four five six"
    whole = server.generate(text, max_new_tokens=1, decoder_input_details=True)
    cut = server.generate(text, max_new_tokens=1, decoder_input_details=True, truncate=3)

    assert len(whole["details"]["prefill"]) > 3
    assert cut["details"]["prefill"] == whole["details"]["prefill"][-3:]


def test_seed_repeats_a_sampled_text(server: ModelServer) -> None:
    sampled = {"temperature": 1.5, "top_p": 0.95, "top_k": 100, "repetition_penalty": 1.1}
    first, second = (
        server.generate("Once upon a time", seed=42, **sampled, typical_p=0.95) for _ in range(2)
    )
    other = server.generate("Once upon a time", **sampled)

    assert first["generated_text"] == second["generated_text"] != other["generated_text"]
    assert first["details"]["seed"] == 42
    assert other["details"]["seed"] > 0


def test_top_n_tokens_tells_the_likeliest_of_each_step(server: ModelServer) -> None:
    details = server.generate("The sea is", max_new_tokens=3, top_n_tokens=2)["details"]
    streamed = server.events("The sea is", max_new_tokens=3, top_n_tokens=2)

    assert [rivals[0] for rivals in details["top_tokens"]] == details["tokens"]
    assert [len(rivals) for rivals in details["top_tokens"]] == [2, 2, 2]
    assert [event["top_tokens"] for event in streamed] == details["top_tokens"]


def test_best_of_answers_the_likeliest_and_tells_the_others(server: ModelServer) -> None:
    answer = server.generate("Once upon a time", best_of=2, do_sample=True, temperature=1.5)

    def mean_logprob(details: Json) -> float:
        return float(mean(token["logprob"] for token in details["tokens"]))

    best, (other,) = answer["details"], answer["details"]["best_of_sequences"]
    assert mean_logprob(best) >= mean_logprob(other)
    assert other["generated_text"] == texts(other["tokens"]) != answer["generated_text"]
    assert best["seed"] != other["seed"]


def test_prompt_at_both_limits_is_answered(server: ModelServer) -> None:
    # An empty stop sequence is found at once: that the request is accepted is enough. That each
    # word is a token, the refusal of one more shows.
    answer = server.generate(" sea" * 256, max_new_tokens=384, stop=[""])

    assert answer["details"]["generated_tokens"] == 1


def test_slots_are_free_when_their_clients_have_left(server: ModelServer) -> None:
    # four generations of 600 tokens fill all slots, and compute for more than 20 seconds
    with (
        server.endless_stream(),
        server.endless_stream(),
        server.endless_stream(),
        server.endless_stream(),
    ):
        pass

    assert server.computed_until_next_token() < 10


def test_slots_are_free_when_clients_of_whole_answers_have_left(server: ModelServer) -> None:
    hasty = httpx.Timeout(60, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        server.http.post("/generate", json=ENDLESS, timeout=hasty)
    for _ in range(7):  # some are refused if the server is slow to see that others have left
        with suppress(httpx.ReadTimeout):
            server.http.post("/generate", json=ENDLESS, timeout=hasty)

    assert server.computed_until_next_token() < 10
