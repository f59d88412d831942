"""The stage under test: any deployed one, by OpenAI's variables; without them `make up`'s.

OPENAI_BASE_URL=https://….amazonaws.com/api/v1 OPENAI_API_KEY=… make smoke
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from embedded_aws.host import home

# Names that the browser finds on this machine, as those of a foreign site would be.
SITE, REBOUND = "attacker.example", "rebound.example"
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),  # root starts it
    f"--host-resolver-rules=MAP {SITE} 127.0.0.1,MAP {REBOUND} 127.0.0.1",
]
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """A deployed API, and a key of it."""

    base_url: str
    api_key: str


@pytest.fixture(scope="session", name="deployed")
def _deployed() -> Stage:
    if url := os.environ.get("OPENAI_BASE_URL"):
        if not (key := os.environ.get("OPENAI_API_KEY")):
            pytest.exit("set OPENAI_API_KEY to a key of OPENAI_BASE_URL", returncode=1)
        return Stage(url.rstrip("/").removesuffix("/v1"), key)
    command = [sys.executable, "-m", "operate", "info"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.exit(ended.stderr.strip(), returncode=1)
    home.enter_environment()
    info = json.loads(ended.stdout)
    return Stage(info["base_url"], info["api_key"])


@pytest.fixture(scope="session", name="browser")
def _browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None or not os.access(chromium, os.X_OK):
        pytest.skip(f"no Chromium at {chromium or ', '.join(_CHROMIUMS)}: set CHROMIUM to one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield browser
        browser.close()
