"""An OpenAI server whose delays are known: `python -m bench.trust.stub PORT`.

Each request draws when its first token comes and how far apart the others are. `GET /truth` tells
the means of what was drawn for the answers that ended since it was asked last.
"""

import asyncio
import json
import random
import sys
from statistics import fmean

from bench.stub_server import Connection, chunk, serve

_CHUNK = {"id": "x", "object": "text_completion", "created": 0, "model": "stub"}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_FIRST_SECONDS, _TOKEN_SECONDS = (0.08, 0.16), (0.015, 0.025)

_draw = random.Random(0)  # noqa: S311 - repeatable, not secret
_drawn: list[tuple[float, float]] = []


class _Model(Connection):
    """The model's server."""

    def answer(self, head: bytes, body: bytes) -> None:
        """Answer a prompt, list the model, or tell the truth."""
        method, path, *_ = head.split(b" ")
        if method == b"GET":
            self._send_json(_truth() if path == b"/truth" else {"data": [{"id": "stub"}]})
        else:
            self._stream(json.loads(body), chat=path.endswith(b"/chat/completions"))

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)

    def _stream(self, asked: dict[str, int], *, chat: bool) -> None:
        """Plan every token by the clock, so that delays do not add up."""
        tokens = asked.get("max_completion_tokens") or asked.get("max_tokens") or 16
        first, each = _draw.uniform(*_FIRST_SECONDS), _draw.uniform(*_TOKEN_SECONDS)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.transport.write(_HEAD)
        text: dict[str, object] = {"delta": {"content": " a"}} if chat else {"text": " a"}
        latency = first + (tokens - 1) * each
        for number in range(tokens - 1):
            loop.call_at(begun + first + number * each, self.write, _text(text, None))
        # What ends the answer is one callback: those of one moment run in any order.
        loop.call_at(begun + latency, self._end, _text(text, "length"), tokens, (first, latency))

    def _end(self, text: bytes, tokens: int, drawn: tuple[float, float]) -> None:
        usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
        last = _event({**_CHUNK, "choices": [], "usage": usage})
        self.write(text + last + _event("[DONE]") + b"0\r\n\r\n")
        _drawn.append(drawn)


def _text(text: dict[str, object], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "finish_reason": finish_reason, **text}
    return _event({**_CHUNK, "choices": [choice]})


def _event(value: object) -> bytes:
    data = b"data: %b\n\n" % (value if isinstance(value, str) else json.dumps(value)).encode()
    return chunk(data)


def _truth() -> dict[str, float]:
    first, latency = (fmean(each) for each in zip(*_drawn, strict=True)) if _drawn else (0.0, 0.0)
    count = len(_drawn)
    _drawn.clear()
    return {"answers": count, "time_to_first_token": first, "request_latency": latency}


if __name__ == "__main__":
    asyncio.run(serve(_Model, int(sys.argv[1])))
