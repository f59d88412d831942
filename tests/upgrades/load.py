"""Clients that call a stage: 32 streams, and a call a second; each answer is checked."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import httpx

from operate.api.deployment import Deployment

STREAMS = 32
TOKENS = 16  # of each stream
_CALL_TOKENS = 4
_CALL_EVERY_SECONDS = 1.0
_RESPONSE_SECONDS = 90
_BACK_OFF_SECONDS = 0.5  # of a client that was refused


class Answer(NamedTuple):
    """What became of a stream or a call; `fault` is empty for a whole and right one."""

    is_stream: bool
    began: float
    ended: float
    longest_wait: float  # for the first token, or for the next one
    has_begun: bool
    fault: str


@dataclass(frozen=True)
class Count:
    """The answers that a change fell into."""

    change: str
    seconds: float
    answers: list[Answer] = field(repr=False)

    @property
    def streams(self) -> int:
        """How many streams there were."""
        return sum(each.is_stream for each in self.answers)

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return len(self.answers) - self.streams

    @property
    def failed(self) -> list[Answer]:
        """The calls and streams that brought nothing."""
        return [each for each in self.answers if each.fault and not each.has_begun]

    @property
    def cut(self) -> list[Answer]:
        """The streams that began and did not end as they should."""
        return [each for each in self.answers if each.fault and each.has_begun]

    @property
    def longest_wait(self) -> float:
        """The longest time in which a client that was answered got no token."""
        return max((each.longest_wait for each in self.answers), default=0.0)

    def faults(self) -> str:
        """Return the first faults, for a person."""
        found = [
            f"{each.fault} after {each.ended - each.began:.1f} s"
            for each in self.answers
            if each.fault
        ]
        return "; ".join(found[:5])


class Load:
    """The clients. They run in a thread of their own, whatever becomes of their requests."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment  # a client reads it anew for each request
        self.answers: list[Answer] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Let them call until the end."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def settle(self) -> None:
        """Wait until each client has had a whole stream that began from now on, and a call."""
        now = time.monotonic()
        while sum(a.began >= now and a.is_stream for a in self.answers) < STREAMS or not any(
            a.began >= now and not a.is_stream for a in self.answers
        ):
            if not self._thread.is_alive():
                raise AssertionError("the clients ended")
            time.sleep(0.2)

    @contextmanager
    def counted(self, change: str, counts: list[Count]) -> Iterator[None]:
        """Count what a change falls into: from its begin to the streams after it."""
        first, began = len(self.answers), time.monotonic()
        yield
        seconds = time.monotonic() - began
        self.settle()
        counts.append(Count(change, seconds, self.answers[first:]))

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_RESPONSE_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as clients,
        ):
            for number in range(STREAMS):
                clients.create_task(self._keep_streaming(session, number))
            clients.create_task(self._keep_calling(session, clients))

    async def _keep_streaming(self, session: aiohttp.ClientSession, number: int) -> None:
        await asyncio.sleep(number / STREAMS)  # so that they do not begin all at once
        while not self._over.is_set():
            answer = await self._answer(session, stream=True)
            if answer.fault:
                await asyncio.sleep(_BACK_OFF_SECONDS)

    async def _keep_calling(
        self, session: aiohttp.ClientSession, clients: asyncio.TaskGroup
    ) -> None:
        while not self._over.is_set():
            clients.create_task(self._answer(session, stream=False))
            await asyncio.sleep(_CALL_EVERY_SECONDS)

    async def _answer(self, session: aiohttp.ClientSession, *, stream: bool) -> Answer:
        reading = _Reading(stream=stream)
        try:
            async with session.post(**self._request(stream=stream)) as response:
                if response.status != 200:
                    reading.fault = f"{response.status} {(await response.text())[:200]}"
                elif stream:
                    async for line in response.content:
                        reading.line(line)
                else:
                    reading.whole(await response.json())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reading.fault = f"{type(error).__name__}: {error}"
        answer = reading.answer()
        self.answers.append(answer)
        return answer

    def _request(self, *, stream: bool) -> dict[str, Any]:
        deployment = self.deployment
        body = {
            "model": deployment.model,
            "messages": [{"role": "user", "content": "What is the sea?"}],
            "max_tokens": TOKENS if stream else _CALL_TOKENS,
            "stream": stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        }
        return {
            "url": f"{deployment.base_url}/v1/chat/completions",
            "headers": {"Authorization": f"Bearer {deployment.api_key}"},
            "json": body,
        }


def is_refused(deployment: Deployment) -> bool:
    """Return whether the key of a deployment is refused."""
    headers = {"Authorization": f"Bearer {deployment.api_key}"}
    asked = httpx.get(f"{deployment.base_url}/v1/models", headers=headers, timeout=30)
    return asked.status_code in (401, 403)


class _Reading:
    """An answer while it is read."""

    def __init__(self, *, stream: bool) -> None:
        self.fault = ""
        self._stream = stream
        self._began = self._last = time.monotonic()
        self._longest, self._has_begun, self._is_done = 0.0, False, False
        self._finish: str | None = None
        self._tokens = 0

    def line(self, line: bytes) -> None:
        """Read a line of a stream."""
        if not line.startswith(b"data:"):
            return
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self._is_done = True
            return
        event = json.loads(data)
        if "error" in event:
            self.fault = f"an event with the error {event['error'].get('code')}"
        for choice in event.get("choices", ()):
            self._note_token()
            self._finish = choice["finish_reason"] or self._finish
        if event.get("usage"):
            self._tokens = event["usage"]["completion_tokens"]

    def whole(self, answer: dict[str, Any]) -> None:
        """Read a whole answer."""
        self._note_token()
        self._has_begun, self._is_done = False, True  # nothing of it came before the rest
        self._finish = answer["choices"][0]["finish_reason"]
        self._tokens = answer["usage"]["completion_tokens"]

    def answer(self) -> Answer:
        """Return what became of it."""
        wanted = TOKENS if self._stream else _CALL_TOKENS
        ended = (self._is_done, self._finish, self._tokens)
        if not self.fault and ended != (True, "length", wanted):
            self.fault = f"ended with done {ended[0]}, finish reason {ended[1]}, {ended[2]} tokens"
        now = time.monotonic()
        return Answer(self._stream, self._began, now, self._longest, self._has_begun, self.fault)

    def _note_token(self) -> None:
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now
        self._has_begun = True
