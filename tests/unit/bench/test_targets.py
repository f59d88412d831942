"""What a stream of events says: texts, usage, failures."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bench.load import endpoint, targets
from bench.load.targets import RequestFailedError, Usage
from tests.unit.invoke_proxy.sagemaker_double import unchunked
from tests.unit.virtual_clock import run

_USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n'
_END = b"data: [DONE]\n"


def _read(reader: Callable[..., Any], parts: list[bytes]) -> tuple[Usage, int]:
    texts: list[None] = []

    async def arriving() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    usage: Usage = run(reader(arriving(), lambda: texts.append(None)))
    return usage, len(texts)


def test_texts_are_counted_and_usage_is_the_servers() -> None:
    lines = [
        b'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n',
        b"\n",
        b'data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n',
        b'data: {"choices":[{"delta":{"content":"b"},"finish_reason":null}]}\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n',
        _USAGE,
        _END,
    ]

    whole = b"".join(lines)
    for size in (1, 7, 1000):
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert _read(targets.read_events, parts) == (Usage(9, 3), 2)


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (_END, "cut"),
        (b'data: {"error":{"message":"gone","code":"model_error"}}\n', "model_error"),
        (b'data: {"error":{"message":"gone","type":"server_error"}}\n', "server_error"),
    ],
)
def test_a_stream_that_does_not_finish_is_a_failure_with_its_kind(last: bytes, kind: str) -> None:
    lines = [b'data: {"choices":[{"text":"a","finish_reason":null}]}\n', last]

    with pytest.raises(RequestFailedError, match=kind):
        _read(targets.read_events, lines)


def test_an_endpoints_events_may_be_cut_anywhere() -> None:
    payloads = [
        b'data:{"token":{"text":"a","special":false}}\n\ndata:{"tok',
        b'en":{"text":"b","special":false}}\n\n',
        b'data:{"token":{"text":"</s>","special":true},"details":{"generated_tokens":3}}\n\n',
    ]
    whole = b"".join(unchunked({":message-type": "event"}, payload) for payload in payloads)

    for size in (1, 7, 1000):
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert _read(endpoint.read_events, parts) == (Usage(None, 3), 2)


def test_an_endpoints_failure_is_named() -> None:
    part = unchunked({":message-type": "exception", ":exception-type": "ModelStreamError"}, b"{}")

    with pytest.raises(RequestFailedError, match="ModelStreamError"):
        _read(endpoint.read_events, [part])
