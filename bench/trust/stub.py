"""An OpenAI server whose delays are known: `python -m bench.trust.stub PORT`.

Each request draws when its first token comes and how far apart the others are. `GET /answers`
tells of each answer that ended since it was asked last when its request was whole, and when its
first and its last token were written: as it happened, so that a client is not blamed for what a
busy machine did to the server.
"""

import asyncio
import json
import random
import selectors
import sys
import time
from dataclasses import asdict, dataclass

from bench.stub_server import Connection, chunk, serve

_CHUNK = {"id": "x", "object": "text_completion", "created": 0, "model": "stub"}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_FIRST_SECONDS, _TOKEN_SECONDS = (0.08, 0.16), (0.015, 0.025)

# What an event loop's clock lacks to the time of day.
WALL_CLOCK = time.time() - time.monotonic()

_draw = random.Random(0)  # noqa: S311 - repeatable, not secret


@dataclass(kw_only=True)
class Answer:
    """One answer, in seconds of the wall clock."""

    received: float
    planned_first: float
    first: float
    last: float
    tokens: int


_answers: list[Answer] = []


class Model(Connection):
    """The model's server."""

    def answer(self, head: bytes, body: bytes) -> None:
        """Answer a prompt, list the model, or tell of the answers."""
        method, path, *_ = head.split(b" ")
        if method == b"GET":
            told: object = {"data": [{"id": "stub"}]}
            if path == b"/answers":
                told = [asdict(answer) for answer in _answers]
                _answers.clear()
            self._send_json(told)
        else:
            self._stream(json.loads(body), chat=path.endswith(b"/chat/completions"))

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)

    def _stream(self, asked: dict[str, int], *, chat: bool) -> None:
        """Plan every token by the clock, so that delays do not add up."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        now = begun + WALL_CLOCK
        tokens = asked.get("max_completion_tokens") or asked.get("max_tokens") or 16
        first, each = _draw.uniform(*_FIRST_SECONDS), _draw.uniform(*_TOKEN_SECONDS)
        answer = Answer(received=now, planned_first=now + first, first=0, last=0, tokens=tokens)
        self.transport.write(_HEAD)
        moments = [begun + first + number * each for number in range(tokens)]
        if tokens > 1:
            loop.call_at(moments[0], self._begin, _MIDDLE[chat], answer)
        for moment in moments[1:-1]:
            loop.call_at(moment, self.write, _MIDDLE[chat])
        # What ends the answer is one callback: those of one moment run in any order.
        loop.call_at(moments[-1], self._end, _LAST[chat], answer)

    def _begin(self, text: bytes, answer: Answer) -> None:
        answer.first = asyncio.get_running_loop().time() + WALL_CLOCK
        self.write(text)

    def _end(self, text: bytes, answer: Answer) -> None:
        answer.last = asyncio.get_running_loop().time() + WALL_CLOCK
        answer.first = answer.first or answer.last
        usage = {
            "prompt_tokens": 1,
            "completion_tokens": answer.tokens,
            "total_tokens": answer.tokens + 1,
        }
        counted = _event({**_CHUNK, "choices": [], "usage": usage})
        self.write(text + counted + _event("[DONE]") + b"0\r\n\r\n")
        _answers.append(answer)


def _text(finish_reason: str | None, *, chat: bool) -> bytes:
    text: dict[str, object] = {"delta": {"content": " a"}} if chat else {"text": " a"}
    choice = {"index": 0, "finish_reason": finish_reason, **text}
    return _event({**_CHUNK, "choices": [choice]})


def _event(value: object) -> bytes:
    data = b"data: %b\n\n" % (value if isinstance(value, str) else json.dumps(value)).encode()
    return chunk(data)


_MIDDLE = {chat: _text(None, chat=chat) for chat in (False, True)}
_LAST = {chat: _text("length", chat=chat) for chat in (False, True)}


def main(port: int) -> None:
    """Serve; `select` wakes to the microsecond, where `epoll` rounds up to the millisecond."""
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(serve(Model, port))


if __name__ == "__main__":
    main(int(sys.argv[1]))
