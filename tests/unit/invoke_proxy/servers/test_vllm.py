"""vLLM's wire: what is asked of it, and what its events may look like."""

from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoke_proxy.generation import Chunk, Generation
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.vllm import Vllm
from tests.unit.invoke_proxy.decoding import chunks
from tests.unit.invoke_proxy.wires import VLLM, Said, event, usage, vllm_chunk

ASKED = Generation(prompt="The sea", prompt_tokens=3, max_tokens=9)
GREEDY = {
    "prompt": "The sea",
    "max_tokens": 9,
    "stream": True,
    "stream_options": {"include_usage": True},
    "return_token_ids": True,
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
DONE = b"data: [DONE]\n\n"
STREAM = b"".join(VLLM.frames({"prompt": "a"}, Said(["Grüße", " 😀", ' "q"'], "eos_token", "</s>")))


async def decoded(*parts: bytes, special: Sequence[str] = ("</s>",)) -> list[Chunk]:
    async def sent() -> AsyncGenerator[bytes]:
        for part in parts:
            yield part

    reader = Vllm().reader(ASKED, frozenset(special))
    return [chunk async for chunk in chunks(sent(), reader)]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({}, {}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 3}, {}),  # Greedy all the same.
        ({"samples": True}, {"temperature": 1.0}),
        (
            {"samples": True, "temperature": 0.5, "top_p": 0.9, "top_k": 3},
            {"temperature": 0.5, "top_p": 0.9, "top_k": 3},
        ),
        ({"seed": 2**64 - 1}, {"seed": 2**63 - 1}),
        ({"stop": ["x"]}, {"stop": ["x"], "include_stop_str_in_output": True}),
        ({"top_tokens": 0}, {"logprobs": 0}),
        ({"top_tokens": 3}, {"logprobs": 3}),
        ({"truncate": 5}, {"truncate_prompt_tokens": 5, "truncation_side": "left"}),
        ({"logit_bias": {"5": -100}}, {"logit_bias": {"5": -100}}),
        ({"repetition_penalty": 1.2}, {"repetition_penalty": 1.2}),
        ({"presence_penalty": -1, "frequency_penalty": 2},) * 2,
        ({"response_format": {"type": "json_object"}},) * 2,
    ],
)
def test_a_generation_is_written_without_a_default_left_to_the_model(
    change: dict[str, Any], sent: dict[str, Any]
) -> None:
    body = Vllm().body(msgspec.structs.replace(ASKED, **change))
    assert msgspec.json.decode(body) == {**GREEDY, **sent}


@given(st.sets(st.integers(0, len(STREAM)), max_size=20))
async def test_chunks_are_the_same_wherever_the_bytes_are_cut(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = await decoded(*(STREAM[start:end] for start, end in pairwise(edges)))
    assert [(chunk.text, chunk.count) for chunk in chunks] == [
        ("Grüße", 1),
        (" 😀", 1),
        (' "q"', 1),
        ("", 1),
    ]
    end = chunks[-1].end
    assert end is not None
    assert (end.reason, end.prompt_tokens, end.completion_tokens) == ("end_token", 2, 4)


async def test_a_chunk_may_have_several_tokens() -> None:
    last = vllm_chunk([" c", "d"], scored=0, finish_reason="length")
    chunks = await decoded(event(vllm_chunk([" a", "b"], scored=0)), event(last), DONE)
    assert [(chunk.text, chunk.count) for chunk in chunks] == [(" ab", 2), (" cd", 2)]
    assert [token.text for chunk in chunks for token in chunk.tokens] == [" a", "b", " c", "d"]


async def test_a_part_of_a_character_adds_no_text_until_it_is_whole() -> None:
    halves = [
        vllm_chunk(["�"], scored=0, text=""),
        vllm_chunk(["�"], scored=0, text="é", finish_reason="length"),
    ]
    chunks = await decoded(*map(event, halves), DONE)
    assert [token.text for chunk in chunks for token in chunk.tokens] == ["", "é"]


async def test_a_special_token_is_one_though_vllm_does_not_say_so() -> None:
    end = vllm_chunk(["</s>"], scored=0, text="", finish_reason="stop")
    (chunk,) = await decoded(event(end), DONE)
    assert [(token.text, token.special) for token in chunk.tokens] == [("</s>", True)]


async def test_the_alternatives_are_sorted_by_their_probability() -> None:
    sent = vllm_chunk([" a"], scored=0, finish_reason="length")
    top = {" a": -3.0, " b": -0.1, " c": -2.0}  # The generated one, and two alternatives.
    sent["choices"][0]["logprobs"]["top_logprobs"] = [top]
    (chunk,) = await decoded(event(sent), DONE)
    assert [(each.text, each.logprob) for each in chunk.tokens[0].alternatives] == [
        (" b", -0.1),
        (" c", -2.0),
        (" a", -3.0),
    ]


@pytest.mark.parametrize(
    ("finish_reason", "stop_reason", "reason"),
    [
        ("length", None, "length"),
        ("stop", None, "end_token"),
        ("stop", 32000, "end_token"),
        ("stop", "END", "stop_sequence"),
    ],
)
@pytest.mark.parametrize("after", [[], [DONE], [event({"choices": [], "usage": usage("a", 1)})]])
async def test_an_answer_ends_with_or_without_its_usage(
    finish_reason: str, stop_reason: Any, reason: str, after: list[bytes]
) -> None:
    last = vllm_chunk(["x"], scored=None, finish_reason=finish_reason, stop_reason=stop_reason)
    (chunk,) = await decoded(event(last), *after)
    assert (chunk.text, chunk.end and chunk.end.reason) == ("x", reason)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"error": {"message": "x", "type": "BadRequestError", "code": 400}}, "model_refused"),
        ({"error": {"message": "x", "type": "x", "code": 503}}, "endpoint_unavailable"),
        ({"error": {"message": "x", "type": "InternalServerError", "code": 500}}, "model_error"),
        ({"error": {"message": "x"}}, "model_error"),
        (vllm_chunk(["x"], scored=None, finish_reason="abort"), "stream_interrupted"),
        (vllm_chunk(["x"], scored=None, finish_reason="repetition"), "model_error"),
        ({"choices": [], "usage": usage("a", 1)}, "model_error"),
    ],
)
async def test_what_is_no_answer_is_a_fault(sent: Any, code: str) -> None:
    with pytest.raises(EndpointError) as failed:
        await decoded(event(sent), DONE)
    assert failed.value.code == code
