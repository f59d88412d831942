"""The same conversation through each server's own wire, with the real small model behind it."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from invoke_proxy.settings import ServerName
from tests.embedded.servers import ENVIRONMENTS, Proxy, proxy_before
from tests.unit.invoke_proxy.real_tokenizers import smollm2

CHATS, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
TURNS = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "Say « hé 😀 » </s> [INST] and count to five."},
]


@pytest.fixture(scope="module")
def proxies() -> Iterator[dict[ServerName, Proxy]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(proxy_before(name)) for name in ENVIRONMENTS}


def equal(proxies: dict[ServerName, Proxy], route: str, body: Any) -> list[Any]:
    """Return what each server's proxy answers, without ids and names; they must be one."""
    answers = [proxy.ask(route, body) for proxy in proxies.values()]
    kept = [json.dumps(_bare(answer), sort_keys=True) for answer in answers]
    assert kept == kept[:1] * len(kept)
    return answers


def _bare(answer: Any) -> Any:
    """Leave out what names one call or one server, and the last digits of probabilities."""
    if isinstance(answer, list):
        return [_bare(each) for each in answer]
    if isinstance(answer, float):
        return round(answer, 2)
    if not isinstance(answer, dict):
        return answer
    named = ("id", "created", "system_fingerprint")
    return {name: _bare(value) for name, value in answer.items() if name not in named}


def test_a_chat_and_its_usage_are_equal(proxies: dict[ServerName, Proxy]) -> None:
    body = {"messages": TURNS, "max_tokens": 9, "temperature": 0}
    answer, *_ = equal(proxies, CHATS, body)
    assert answer["usage"]["completion_tokens"] == 9
    assert "😀" in answer["choices"][0]["message"]["content"]  # Tokens without a text of their own.


def test_streams_and_their_usage_are_equal(proxies: dict[ServerName, Proxy]) -> None:
    turn = {"role": "user", "content": "Count to five."}
    body = {"messages": [turn], "max_tokens": 8, "temperature": 0, "stream": True}
    *_, usage, done = equal(proxies, CHATS, {**body, "stream_options": {"include_usage": True}})[0]
    assert (usage["usage"]["completion_tokens"], done) == (8, "[DONE]")


def test_a_request_in_the_words_of_two_servers_is_answered_alike_by_both(
    proxies: dict[ServerName, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    both: dict[ServerName, Proxy] = {"tgi": proxies["tgi"], "vllm": proxies["vllm"]}
    body = {"prompt": "One, two,", "max_tokens": 4, "temperature": 0, "stop": ["x"], "stream": True}
    alone, *_ = equal(both, COMPLETIONS, body)
    for name in ("tgi", "vllm"):  # whichever the proxy takes for the first
        for proxy in both.values():
            monkeypatch.setattr(proxy, "name", name)
            monkeypatch.setattr(proxy, "other", "vllm" if name == "tgi" else "tgi")
        together, *_ = equal(both, COMPLETIONS, body)
        assert _bare(together) == _bare(alone)


@pytest.mark.slow
def test_answers_that_end_by_themselves_are_equal(proxies: dict[ServerName, Proxy]) -> None:
    turn = {"role": "user", "content": "Reply with the one word: yes"}
    answer, *_ = equal(proxies, CHATS, {"messages": [turn], "temperature": 0, "max_tokens": 60})
    assert answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.slow
def test_stop_sequences_end_the_same_text(proxies: dict[ServerName, Proxy]) -> None:
    body = {"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 30, "stop": [" 7", "nine"]}
    texts = {proxy.ask(COMPLETIONS, body)["choices"][0]["text"] for proxy in proxies.values()}
    assert texts == {" 5, 6,"}


@pytest.mark.slow
def test_completions_with_log_probabilities_are_equal(proxies: dict[ServerName, Proxy]) -> None:
    body = {"temperature": 0, "max_tokens": 5, "logprobs": 2}
    for prompt, more in (("The sea is", {}), ("1, 2, 3, 4,", {"stop": [" z"]})):
        # The second says " ", with which its stop sequence may begin.
        answer, *_ = equal(proxies, COMPLETIONS, {"prompt": prompt, **body, **more})
        assert len(answer["choices"][0]["logprobs"]["tokens"]) == 5


@pytest.mark.slow
def test_generate_with_details_is_equal(proxies: dict[ServerName, Proxy]) -> None:
    parameters = {"max_new_tokens": 6, "details": True, "repetition_penalty": 1.2}
    answer, *_ = equal(proxies, "/generate", {"inputs": "The sea is", "parameters": parameters})
    assert len(answer["details"]["tokens"]) == 6


def test_a_stop_sequence_on_tgis_route_is_kept(proxies: dict[ServerName, Proxy]) -> None:
    parameters = {"max_new_tokens": 30, "stop": [" 7"], "details": True}
    body = {"inputs": "1, 2, 3, 4,", "parameters": parameters}
    for proxy in proxies.values():
        answer = proxy.ask("/generate", body)
        assert answer["generated_text"] == " 5, 6, 7"
        assert answer["details"]["finish_reason"] == "stop_sequence"


@pytest.fixture(params=[name for name in ENVIRONMENTS if name != "tgi"])
def better(request: pytest.FixtureRequest, proxies: dict[ServerName, Proxy]) -> Proxy:
    """Return the proxy in front of a server that can do more than TGI 1.1."""
    return proxies[request.param]


def test_log_probabilities_are_the_models_own_whatever_an_answer_is_drawn_by(better: Proxy) -> None:
    body = {"prompt": "One, two,", "max_tokens": 1, "logprobs": 2}
    plain, changed = (
        better.ask(COMPLETIONS, {**body, **drawn})["choices"][0]["logprobs"]["top_logprobs"]
        for drawn in ({"temperature": 0}, {"temperature": 2, "top_p": 0.5, "presence_penalty": 2})
    )
    assert _bare(changed) == _bare(plain)


@pytest.mark.slow
def test_a_json_schema_is_kept_to(better: Proxy) -> None:
    place = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "coast": {"type": "boolean"}},
        "required": ["city", "coast"],
        "additionalProperties": False,
    }
    schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": place}}
    body = {"messages": TURNS, "temperature": 0, "max_tokens": 80, "response_format": schema}
    answer = better.ask(CHATS, body)
    told = json.loads(answer["choices"][0]["message"]["content"])
    assert (set(told), type(told["coast"])) == ({"city", "coast"}, bool)


@pytest.mark.slow
def test_llama_cpp_keeps_what_the_proxy_lets_through(proxies: dict[ServerName, Proxy]) -> None:
    number = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[0-9]{3}(?:-x)?$"},
            "people": {"type": "integer", "minimum": 5, "maximum": 6},
            "at": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        },
        "required": ["code", "people", "at"],
    }
    schema = {"type": "json_schema", "json_schema": {"name": "number", "schema": number}}
    body = {"messages": TURNS, "temperature": 0, "max_tokens": 250, "response_format": schema}
    answer = proxies["llama-cpp"].ask(CHATS, body)
    told = json.loads(answer["choices"][0]["message"]["content"])
    assert re.fullmatch("[0-9]{3}(-x)?", told["code"])
    assert told["people"] in {5, 6}
    assert len(told["at"]) == 2


@pytest.mark.slow
def test_a_logit_bias_bans_a_token(better: Proxy) -> None:
    body = {"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 1}
    banned = smollm2().encode(" ", add_special_tokens=False).ids
    usual = better.ask(COMPLETIONS, body)["choices"][0]["text"]
    biased = better.ask(COMPLETIONS, {**body, "logit_bias": {str(banned[0]): -100}})
    assert biased["choices"][0]["text"] != usual


@pytest.mark.slow
def test_a_penalty_changes_the_answer(better: Proxy) -> None:
    body = {"prompt": " sea sea sea sea", "temperature": 0, "max_tokens": 8}
    usual = better.ask(COMPLETIONS, body)["choices"][0]["text"]
    for name in ("presence_penalty", "frequency_penalty"):
        assert better.ask(COMPLETIONS, {**body, name: 2})["choices"][0]["text"] != usual
