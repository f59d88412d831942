"""Clients of the REST API, in accelerated time: they retry twice, when the answer says to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from operate.api.deployment import Deployment
from operate.scaling.ramp import Request

_RETRIES = 2
_REFUSED = 429
_MAX_SECONDS = 120  # of this machine's


@dataclass(kw_only=True)
class Outcome:
    """What became of a request; seconds of AWS's since the start of the ramp."""

    request: Request
    first_token: float | None = None
    ended: float | None = None
    error: str = ""  # the last attempt's, empty for an answer
    refusals: int = 0
    retry_after: float | None = None


class Clients:
    """Sends each request at its time, whatever became of the others."""

    def __init__(self, deployment: Deployment, time_scale: float, steps_a_token: int) -> None:
        self._url = f"{deployment.base_url}/generate_stream"
        self._headers = {"Authorization": f"Bearer {deployment.api_key}"}
        self._scale = time_scale
        self._steps = steps_a_token
        self._began = 0.0
        self.in_flight = 0

    @property
    def now(self) -> float:
        """AWS's seconds since the start."""
        return (time.monotonic() - self._began) * self._scale

    async def send(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return what became of each request."""
        timeout = aiohttp.ClientTimeout(total=_MAX_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        self._began = time.monotonic()
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=self._headers
        ) as session:
            return await asyncio.gather(*(self._ask(session, each) for each in requests))

    async def _ask(self, session: aiohttp.ClientSession, request: Request) -> Outcome:
        outcome = Outcome(request=request)
        await self._wait(request.at - self.now)
        for attempt in range(_RETRIES + 1):
            await self._attempt(session, outcome)
            if outcome.retry_after is None or attempt == _RETRIES:
                break
            await self._wait(outcome.retry_after)
        outcome.ended = self.now
        return outcome

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._scale)

    async def _attempt(self, session: aiohttp.ClientSession, outcome: Outcome) -> None:
        request = outcome.request
        parameters = {"max_new_tokens": request.tokens // self._steps, "details": False}
        body = {"inputs": "a " * request.words, "parameters": parameters}
        outcome.retry_after, outcome.error = None, ""
        self.in_flight += 1
        try:
            async with session.post(self._url, json=body) as answer:
                if answer.status != 200:  # noqa: PLR2004 - HTTP's
                    await self._note_refusal(answer, outcome)
                    return
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        self._note_event(line, outcome)
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome.error = type(error).__name__
        finally:
            self.in_flight -= 1

    def _note_event(self, line: bytes, outcome: Outcome) -> None:
        if line.startswith((b'data: {"error"', b'data:{"error"')):
            outcome.error = str(msgspec.json.decode(line[5:]).get("code"))
        elif outcome.first_token is None:
            outcome.first_token = self.now

    async def _note_refusal(self, answer: aiohttp.ClientResponse, outcome: Outcome) -> None:
        said = msgspec.json.decode(await answer.read())
        outcome.error = str(said.get("code") or said["error"]["code"])
        if answer.status == _REFUSED or "Retry-After" in answer.headers:
            outcome.refusals += 1
            outcome.retry_after = float(answer.headers.get("Retry-After", 1))
