"""Clients that call a stage while something becomes of it: whole answers and streams in turn."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from embedded_aws.tests.account import until
from operate.api.deployment import Deployment

CLIENTS = 3
_PAUSE_SECONDS = 0.5
_CUT = "cut"
# Sampled, so that a model which computes no number fails; from one token, so that a model repeats.
_PARAMETERS = {"max_new_tokens": 4, "do_sample": True, "top_k": 1, "seed": 1}


class Answer(NamedTuple):
    """What became of a request; `error` is its code, empty for a good answer with its text."""

    asked_at: float
    seconds: float
    error: str
    text: str


class Load:
    """Clients that ask one after the other, whatever becomes of their requests."""

    def __init__(self, deployment: Deployment, clients: int = CLIENTS) -> None:
        self._clients = clients
        self.answers: list[Answer] = []
        self._over = threading.Event()
        self._client = httpx.Client(
            base_url=deployment.base_url,
            headers={"Authorization": f"Bearer {deployment.api_key}"},
            timeout=120,
        )

    def errors(self, since: float = 0) -> Counter[str]:
        """The errors of the requests since then, by code."""
        return Counter(answer.error for answer in self.answers if answer.asked_at >= since)

    def texts(self, since: float = 0) -> set[str]:
        """The texts of the good answers to the requests since then."""
        return {each.text for each in self.answers if each.asked_at >= since and not each.error}

    def settle(self) -> float:
        """Wait for some answers to requests from now on; returns since when they count."""
        now = time.monotonic()
        until(lambda: sum(self.errors(now).values()) >= 2 * self._clients)
        return now

    @contextmanager
    def flowing(self) -> Iterator[None]:
        clients = [threading.Thread(target=self._keep_asking) for _ in range(self._clients)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._over.set()
            for client in clients:
                client.join()
            self._client.close()

    def _keep_asking(self) -> None:
        asks = [self._ask, self._ask_for_a_stream]
        while not self._over.wait(_PAUSE_SECONDS):
            at = time.monotonic()
            error = text = ""
            try:
                error, text = asks[0]()
            except httpx.HTTPError as broken:
                error = type(broken).__name__
            self.answers.append(Answer(at, time.monotonic() - at, error, text))
            asks.reverse()

    def _ask(self) -> tuple[str, str]:
        answer = self._client.post("/generate", json=_BODY)
        return ("", answer.json()["generated_text"]) if answer.is_success else (_code(answer), "")

    def _ask_for_a_stream(self) -> tuple[str, str]:
        error, text = _CUT, ""
        with self._client.stream("POST", "/generate_stream", json=_BODY) as answer:
            if not answer.is_success:
                answer.read()
                return _code(answer), ""
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    event = json.loads(line.removeprefix("data:"))
                    if "error" in event:
                        error = str(event.get("code") or event["error"])
                    elif (whole := event.get("generated_text")) is not None:
                        error, text = "", whole
        return error, text


_BODY: dict[str, Any] = {"inputs": "The sea", "parameters": _PARAMETERS}


def _code(refusal: httpx.Response) -> str:
    refused = refusal.json()  # the proxy's own as TGI's, API Gateway's as OpenAI's
    return str(refused.get("code") or refused["error"]["code"])
