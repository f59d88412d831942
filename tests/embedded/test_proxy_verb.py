"""`make proxy`: the proxy from its sources, in front of the deployed endpoint."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from embedded_aws.host.processes import free_port
from operate.api.deployment import Deployment
from tests.embedded.conftest import ROOT, LocalStage

_SECONDS = 60


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxy") / "log.txt"


@pytest.fixture(scope="module")
def url(embedded_aws: LocalStage, log: Path) -> Iterator[str]:
    port = free_port()
    environment = {**embedded_aws.environment, "LOCAL_PROXY_PORT": str(port)}
    command = [sys.executable, "-m", "operate", "proxy"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _wait_until_ready(url: str, log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        try:
            if (
                httpx.get(f"{url}/health", trust_env=False, timeout=120).status_code
                == httpx.codes.OK
            ):
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


def _client(url: str, key: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def test_the_proxy_of_the_sources_answers_from_the_deployed_endpoint(
    url: str, deployed: Deployment, log: Path
) -> None:
    stream = _client(url, deployed.api_key).chat.completions.create(
        model=deployed.model,
        messages=[{"role": "user", "content": "Say hello."}],
        max_tokens=8,
        stream=True,
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert f"curl -N {url}/v1/chat/completions" in log.read_text()


def test_a_missing_and_a_wrong_key_are_refused_as_on_the_gateway(
    url: str, deployed: Deployment
) -> None:
    with pytest.raises(AuthenticationError, match="the key is wrong"):
        _client(url, deployed.api_key[:-1]).models.list()
    for base in (url, deployed.base_url):
        refused = httpx.get(f"{base}/v1/models", trust_env=False, timeout=120)
        assert refused.status_code == httpx.codes.UNAUTHORIZED
        assert refused.json()["error"]["message"].startswith("send a key")


def test_a_changed_source_is_loaded_anew(url: str, log: Path) -> None:
    os.utime(ROOT / "lambda/invoke_proxy/app.py")  # as an editor that saves it
    end = time.monotonic() + _SECONDS
    while "Reloading..." not in log.read_text():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    _wait_until_ready(url, log)


def test_a_port_that_is_no_port_is_refused(embedded_aws: LocalStage, deployed: Deployment) -> None:
    environment = {**embedded_aws.environment, "LOCAL_PROXY_PORT": "many"}
    ended = subprocess.run(
        [sys.executable, "-m", "operate", "proxy"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert deployed.api_key not in ended.stdout
    assert ended.stderr == "LOCAL_PROXY_PORT must be 1 to 65535, got 'many'\n"
