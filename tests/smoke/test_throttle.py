"""The throttle of the key, provoked as anybody could who has one: the last of all checks."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from operate.polling import polled
from tests.smoke.conftest import Stage, usage_plan

# A body that API Gateway refuses once it has counted the request, fast enough on a slow machine.
_PATH, _AT_ONCE = "/v1/chat/completions", 8
_SECONDS = 180
_WRONG, _TOO_MANY = 400, 429


def _until_refused(stage: Stage) -> httpx.Response:
    """Ask as fast as a few connections can, until an answer is a refusal."""
    url, deadline = f"{stage.base_url}{_PATH}", time.monotonic() + _SECONDS
    with (
        httpx.Client(headers=stage.key, timeout=120) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        while time.monotonic() < deadline:
            for answer in pool.map(lambda _: client.post(url, json={}), range(_AT_ONCE)):
                if answer.status_code != _WRONG:
                    return answer
    pytest.fail(f"no request was refused within {_SECONDS} s")


def _wait_until_full(stage: Stage) -> None:
    """Let the key have its whole burst again: what comes next may be a measurement."""
    if stage.environment:
        throttle = usage_plan(stage, stage.environment)["throttle"]
        time.sleep(throttle["burstLimit"] / throttle["rateLimit"])


def test_a_key_that_asks_too_fast_is_refused_until_it_has_waited(stage: Stage) -> None:
    refused = _until_refused(stage)
    assert refused.status_code == _TOO_MANY, refused.text
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    wait = int(refused.headers["retry-after"])
    looks = polled(
        lambda: stage.ask("POST", _PATH, json={}).status_code == _WRONG, every=wait, within=_SECONDS
    )
    assert any(looks), "the key is refused for ever"
    _wait_until_full(stage)
