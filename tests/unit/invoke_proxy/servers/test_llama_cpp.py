"""llama.cpp's wire: what is asked of its chat route, and what its events may look like."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from invoke_proxy.generation import Chunk, Generation
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.llama_cpp import LlamaCpp
from tests.unit.invoke_proxy.decoding import chunks
from tests.unit.invoke_proxy.wires import event, llama_chunk, usage

ASKED = Generation(prompt="The sea", prompt_tokens=3, max_tokens=9)
GREEDY = {
    "messages": [{"role": "user", "content": "The sea"}],
    "max_tokens": 9,
    "stream": True,
    "stream_options": {"include_usage": True},
    "timings_per_token": True,
    "reasoning_format": "none",
    "samplers": ["penalties", "temperature", "top_k", "top_p", "typ_p"],
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "typical_p": 1.0,
    "repeat_penalty": 1.0,
    "repeat_last_n": 12,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
DONE = b"data: [DONE]\n\n"


def ended(reason: str) -> bytes:
    return event({"choices": [{"index": 0, "finish_reason": reason, "delta": {}}]})


def counted(count: int) -> bytes:
    return event({"choices": [], "usage": usage("a", count)})


async def decoded(*parts: bytes) -> list[Chunk]:
    async def sent() -> AsyncGenerator[bytes]:
        for part in parts:
            yield part

    reader = LlamaCpp().reader(ASKED, ())
    return [chunk async for chunk in chunks(sent(), reader)]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({}, {}),
        ({"temperature": 0.5, "top_p": 0.9, "typical_p": 0.8}, {}),  # Greedy all the same.
        ({"samples": True}, {"temperature": 1.0}),
        (
            {"samples": True, "temperature": 0.5, "top_p": 0.9, "top_k": 3, "typical_p": 0.8},
            {"temperature": 0.5, "top_p": 0.9, "top_k": 3, "typical_p": 0.8},
        ),
        # The number that would ask for a random seed.
        ({"seed": 2**32 - 1}, {"seed": 0, "cache_prompt": False}),
        ({"stop": ["x"]}, {"stop": ["x"]}),
        ({"stop": ["x"], "keeps_stop": True}, {}),
        ({"top_tokens": 0}, {"logprobs": True, "top_logprobs": 1}),
        ({"stop": ["x"], "top_tokens": 0}, {"logprobs": True, "top_logprobs": 1}),
        ({"top_tokens": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"logit_bias": {"5": -100}}, {"logit_bias": {"5": -100}}),
        ({"repetition_penalty": 1.2}, {"repeat_penalty": 1.2}),
        ({"presence_penalty": -1, "frequency_penalty": 2},) * 2,
        ({"response_format": {"type": "json_object"}},) * 2,
    ],
)
def test_a_generation_is_written_without_a_default_left_to_the_server(
    change: dict[str, Any], sent: dict[str, Any]
) -> None:
    body = LlamaCpp().body(msgspec.structs.replace(ASKED, **change))
    assert msgspec.json.decode(body) == {**GREEDY, **sent}


async def test_tokens_without_text_are_counted_when_the_next_text_comes() -> None:
    halves = [event(llama_chunk(" a", 1)), event(llama_chunk("é", 4)), ended("stop"), counted(6)]
    chunks = await decoded(*halves, DONE)
    assert [(chunk.text, chunk.count) for chunk in chunks] == [(" a", 1), ("é", 3), ("", 2)]


async def test_without_timings_and_usage_texts_and_the_end_token_are_counted() -> None:
    texts = [{"choices": llama_chunk(text, 0)["choices"]} for text in (None, " a", "b")]
    chunks = await decoded(*map(event, texts), ended("stop"), DONE)
    assert [(chunk.text, chunk.count) for chunk in chunks] == [(" a", 1), ("b", 1), ("", 1)]


async def test_pings_and_the_role_add_nothing() -> None:
    role = event({"choices": [{"index": 0, "finish_reason": None, "delta": {"role": "assistant"}}]})
    chunks = await decoded(b":\n\n", role, event(llama_chunk("a", 1)), ended("length"), counted(1))
    assert [(chunk.text, chunk.count) for chunk in chunks] == [("a", 1), ("", 0)]


async def test_a_token_has_its_id_log_probability_and_alternatives() -> None:
    sent = event(llama_chunk(" a", 1, scored=True))
    chunk, _ = await decoded(sent, ended("length"), DONE)
    (token,) = chunk.tokens
    assert (token.id, token.text, token.logprob) == (7, " a", -0.5)
    assert [top.id for top in token.alternatives] == [8]


@pytest.mark.parametrize(("finish_reason", "reason"), [("length", "length"), ("stop", "end_token")])
@pytest.mark.parametrize("after", [[], [DONE], [counted(1)]])
async def test_an_answer_ends_with_or_without_its_usage(
    finish_reason: str, reason: str, after: list[bytes]
) -> None:
    *_, last = await decoded(event(llama_chunk("a", 1)), ended(finish_reason), *after)
    assert last.end is not None
    assert last.end.reason == reason


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"error": {"code": 400, "type": "exceed_context_size_error"}}, "model_refused"),
        ({"error": {"code": 501, "type": "not_supported_error"}}, "model_refused"),
        ({"error": {"code": 503, "type": "unavailable_error"}}, "endpoint_unavailable"),
        ({"error": {"code": 500, "type": "server_error"}}, "model_error"),
        ({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}, "model_error"),
    ],
)
async def test_what_is_no_answer_is_a_fault(sent: Any, code: str) -> None:
    with pytest.raises(EndpointError) as failed:
        await decoded(event(sent), DONE)
    assert failed.value.code == code
