"""One model server for the session, a real process with the real small model."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from embedded_aws.host import processes
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import until

ROOT = Path(__file__).parents[3]
Json = dict[str, Any]
# a loop that the model does not leave by itself, and that takes many seconds
ENDLESS: Json = {"inputs": " sea" * 40, "parameters": {"max_new_tokens": 600}}


@dataclass(frozen=True)
class ModelServer:
    """A model server, and the requests that tests make to it."""

    http: httpx.Client
    process: subprocess.Popen[str]

    def generate(self, inputs: str, **parameters: object) -> Json:
        """Answer of /generate with details."""
        body = {"inputs": inputs, "parameters": {"details": True, **parameters}}
        answer: Json = self.http.post("/generate", json=body).raise_for_status().json()
        return answer

    def events(self, inputs: str, **parameters: object) -> list[Json]:
        """Events of /generate_stream."""
        body = {"inputs": inputs, "parameters": parameters}
        response = self.http.post("/generate_stream", json=body)
        assert response.status_code == 200
        frames = response.text.removesuffix("\n\n").split("\n\n")
        return [msgspec.json.decode(frame.removeprefix("data:")) for frame in frames]

    @contextmanager
    def endless_stream(self) -> Iterator[Iterator[bytes]]:
        """A generation that has begun and goes on until it is left: the rest of it."""
        with ExitStack() as answers:
            frames = until(lambda: self._begun(answers))  # collected, it would close the stream
            yield frames

    def _begun(self, answers: ExitStack) -> Iterator[bytes] | None:
        """The rest of a generation; None while those that were just left take all places."""
        stream = self.http.stream("POST", "/generate_stream", json=ENDLESS)
        frames = answers.enter_context(stream).iter_bytes()
        return None if b'"overloaded"' in next(frames) else frames

    def leave_early(self, endless: Json, stream_path: str = "/invocations") -> None:
        """Ask for whole answers and for streams, and leave before any of them ends."""
        for _ in range(3):
            with suppress(httpx.ReadTimeout):
                self.http.post("/invocations", json=endless, timeout=httpx.Timeout(300, read=0.3))
            streamed = {**endless, "stream": True}
            with self.http.stream("POST", stream_path, json=streamed) as answer:
                next(answer.iter_bytes())

    def computed(self) -> float:
        """The seconds that the server has computed, which are as many on a busy machine."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def computed_until_next_token(self) -> float:
        """How many seconds it computes until a token is generated for another client."""
        before = self.computed()
        until(lambda: "token" in self.events("x", max_new_tokens=1)[0])
        return self.computed() - before


def environment(**settings: str) -> dict[str, str]:
    """The container environment of the packaged model, with `settings` on top."""
    return {**os.environ, "HF_MODEL_ID": MODEL_ID, **settings}


@contextmanager
def started(room: str, environment: dict[str, str]) -> Iterator[ModelServer]:
    """A server of its own, stopped at the end."""
    port = processes.free_port()
    process = processes.start(
        [sys.executable, "-m", "embedded_aws.model_server", room],
        {**environment, "PORT": str(port)},
        ROOT,
    )
    assert process.stdout
    with process.stdout:
        try:
            ready = processes.wait_until_ready(process, port, "/ping", timeout=120)
            assert ready, process.stdout.read() if process.poll() is not None else "it is silent"
            # Uvicorn and httpx keep it for 5 seconds: it may be closed just as it is used again.
            limits = httpx.Limits(max_keepalive_connections=0)
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=url, timeout=300, limits=limits) as client:
                yield ModelServer(client, process)
        finally:
            processes.stop(process)


def model_server(**settings: str) -> AbstractContextManager[ModelServer]:
    """A TGI server of its own, stopped at the end."""
    return started("tgi", environment(**settings))


@pytest.fixture(scope="session")
def server() -> Iterator[ModelServer]:
    limits = {"MAX_INPUT_LENGTH": "256", "MAX_TOTAL_TOKENS": "640", "MAX_CONCURRENT_REQUESTS": "4"}
    with model_server(**limits) as server:
        yield server
