"""Prod's users, who ask many things at once and have long answers."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

_USERS, _PAUSE_SECONDS, _TIMEOUT_SECONDS = 6, 0.5, 60
_APART_SECONDS = 1.1  # by which one begins after another: answers come in every period of an alarm
_REQUEST = {"inputs": "The sea is", "parameters": {"max_new_tokens": 2}}


def ask(base_url: str, api_key: str) -> httpx.Response:
    """Return the answer to one prompt over REST."""
    return httpx.post(
        f"{base_url}/generate",
        headers={"Authorization": f"Bearer {api_key}"},
        json=_REQUEST,
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
    )


@dataclass
class Users:
    """Clients that ask one after the other; `find` returns the API's URL and a key of it."""

    find: Callable[[], tuple[str, str]]
    statuses: Counter[int] = field(default_factory=Counter, init=False)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Let them ask for a while."""
        api, over = self.find(), threading.Event()
        threads = [
            threading.Thread(target=self._keep_asking, args=(*api, over, number * _APART_SECONDS))
            for number in range(_USERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _keep_asking(
        self, base_url: str, api_key: str, over: threading.Event, after: float
    ) -> None:
        over.wait(after)
        while not over.wait(_PAUSE_SECONDS):
            try:
                self.statuses[ask(base_url, api_key).status_code] += 1
            except (httpx.HTTPError, json.JSONDecodeError):
                self.statuses[0] += 1
