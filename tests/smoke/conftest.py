"""The stage under test: any deployed one.

make smoke ENV=dev, with credentials; KEY=… make smoke URL=https://….amazonaws.com/api, without
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from operate.environment import Environment
from operate.verb import open_environment

ROOT = Path(__file__).parents[2]
_SECONDS = 300  # a long answer's


class Key(str):
    """A key that the report of a failed test does not show: CI's log may be public."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return what stands for it."""
        return "'...'"


@dataclass(frozen=True)
class Stage:
    """A deployed API, and a key of it; with credentials, also what it consists of in AWS."""

    base_url: str
    api_key: Key
    environment: Environment | None = None

    @property
    def key(self) -> dict[str, str]:
        """The header that a client sends."""
        return {"Authorization": Key(f"Bearer {self.api_key}")}

    def ask(self, method: str, path: str, **request: object) -> httpx.Response:
        """Send a request with the key, unless it has headers of its own."""
        given = {"headers": self.key, "timeout": _SECONDS, **request}
        return httpx.request(method, f"{self.base_url}{path}", **given)  # type: ignore[arg-type]  # of httpx's own


@pytest.hookimpl(trylast=True)  # The order is random before.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Provoke the throttle last: it refuses whatever comes next."""
    items.sort(key=lambda item: item.path.name == "test_throttle.py")


def usage_plan(stage: Stage, environment: Environment) -> dict[str, Any]:
    """Return the usage plan of the stage's key."""
    gateway = environment.client("apigateway")
    keys = gateway.get_api_keys(includeValues=True, limit=500)["items"]
    (own,) = (key["id"] for key in keys if key.get("value") == stage.api_key)
    (plan,) = gateway.get_usage_plans(keyId=own)["items"]
    return dict(plan)


@pytest.fixture(scope="session")
def stage() -> Stage:
    """The stage at GIVEN_URL, or the environment GIVEN_ENV."""
    if url := os.environ.get("GIVEN_URL") or os.environ.get("OPENAI_BASE_URL"):
        key = os.environ.get("GIVEN_KEY") or os.environ.get("OPENAI_API_KEY")
        if not key:
            pytest.exit("give KEY, a key of URL: KEY=... make smoke URL=...", returncode=1)
        return Stage(url.rstrip("/").removesuffix("/v1"), Key(key.strip()))
    name = os.environ.get("GIVEN_ENV") or "local"
    command = [sys.executable, "-m", "operate", "info", "--", name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.exit(ended.stderr.strip(), returncode=1)
    info = json.loads(ended.stdout)
    return Stage(info["base_url"], Key(info["api_key"]), open_environment(name.lower()))


@pytest.fixture(scope="session")
def model(stage: Stage) -> str:
    """The model that is served."""
    return str(stage.ask("GET", "/v1/models").raise_for_status().json()["data"][0]["id"])
