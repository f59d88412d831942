import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoke_proxy.generation import Chunk
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers import events
from invoke_proxy.servers.tgi import TgiReader
from invoke_proxy.tgi.frames import frame
from invoke_proxy.tgi_types import StreamEvent, Token
from tests.unit.invoke_proxy.decoding import chunks
from tests.unit.invoke_proxy.proxy_double import tgi_frames

TEXTS = ["Grüße", " 😀", "\n", ' "quoted"']
DEEP = b'data:{"token":{"id":1,"text":"a"},"more":' + b"[" * 100_000 + b"\n\n"
STREAM = b"".join(tgi_frames(TEXTS, "eos_token", end_token="</s>"))


async def parts_of(parts: Sequence[bytes | Exception]) -> AsyncGenerator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


def decoded(parts: AsyncGenerator[bytes]) -> AsyncGenerator[Chunk]:
    return chunks(parts, TgiReader(shows_tokens=True))


async def texts(parts: Sequence[bytes | Exception]) -> list[str]:
    return [chunk.tokens[0].text async for chunk in decoded(parts_of(parts))]


@given(st.sets(st.integers(0, len(STREAM)), max_size=20))
async def test_events_are_the_same_wherever_the_bytes_are_cut(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[start:end] for start, end in pairwise(edges)]
    assert await texts(parts) == [*TEXTS, "</s>"]


async def test_the_last_chunk_has_the_end() -> None:
    chunks = [chunk async for chunk in decoded(parts_of([STREAM]))]
    assert [chunk.end for chunk in chunks[:-1]] == [None] * 4
    end = chunks[-1].end
    assert end is not None
    assert (end.reason, end.text) == ("end_token", "".join(TEXTS))
    assert [chunk.count for chunk in chunks] == [1] * 5
    assert (chunks[-1].text, chunks[-1].tokens[0].special) == ("", True)


async def test_the_number_of_tokens_is_tgis() -> None:
    stream = STREAM.replace(b'"generated_tokens": 5', b'"generated_tokens": 7')
    chunks = [chunk async for chunk in decoded(parts_of([stream]))]
    assert sum(chunk.count for chunk in chunks) == 7


async def test_comments_and_other_lines_are_skipped() -> None:
    assert await texts([b":\n\n: keep-alive\n\nevent: x\n" + STREAM]) == [*TEXTS, "</s>"]


@pytest.mark.parametrize("parts", [[], [STREAM[:-10]], [STREAM[:100]], [b"<html>"]])
async def test_a_stream_without_its_last_event_is_interrupted(parts: list[bytes]) -> None:
    with pytest.raises(EndpointError) as failed:
        await texts(parts)
    assert failed.value.code == "stream_interrupted"


@pytest.mark.parametrize(
    "part", [b"data:garbage\n\n", b"data:{}\n\n", b'data:{"token":1}\n\n', b"data:\xff\n\n", DEEP]
)
async def test_garbage_is_a_fault_of_the_model(part: bytes) -> None:
    with pytest.raises(EndpointError) as failed:
        await texts([part])
    assert failed.value.code == "model_error"


async def test_a_line_without_end_is_a_fault_of_the_model() -> None:
    with pytest.raises(EndpointError) as failed:
        await texts([b"data:" + b"x" * 1_100_000])
    assert failed.value.code == "model_error"


@pytest.mark.parametrize(
    ("error_type", "code"),
    [
        ("overloaded", "model_overloaded"),
        ("validation", "model_refused"),
        ("generation", "model_error"),
        ("incomplete_generation", "model_error"),
    ],
)
async def test_an_error_event_is_a_fault_without_its_text(error_type: str, code: str) -> None:
    event = b'data:{"error":"secret","error_type":"' + error_type.encode() + b'"}\n\n'
    with pytest.raises(EndpointError) as failed:
        await texts([tgi_frames(["a", "b"])[0], event])
    assert failed.value.code == code
    assert "secret" not in str(failed.value)


async def test_a_fault_after_the_last_event_changes_nothing() -> None:
    assert await texts([STREAM, EndpointError("stream_interrupted")]) == [*TEXTS, "</s>"]


async def test_an_answer_is_whole_though_upstream_does_not_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_END_SECONDS", 0.01)

    async def open_parts() -> AsyncGenerator[bytes]:
        yield STREAM
        await asyncio.sleep(60)

    async with asyncio.timeout(50):
        whole = [chunk.text async for chunk in decoded(open_parts())]
    assert "".join(whole) == "".join(TEXTS)


def test_a_frame_is_written_as_tgi_writes_it() -> None:
    event = StreamEvent(Token(5, " a", -0.5))
    assert frame(event) == (
        b'data:{"token":{"id":5,"text":" a","logprob":-0.5,"special":false},'
        b'"generated_text":null,"details":null}\n\n'
    )
