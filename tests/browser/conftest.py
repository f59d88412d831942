"""A browser, against the stage that `make smoke` asks too."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.smoke.conftest import stage

__all__ = ["stage"]

# Names that the browser finds on this machine, as those of a foreign site would be.
SITE, REBOUND = "attacker.example", "rebound.example"
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),  # root starts it
    f"--host-resolver-rules=MAP {SITE} 127.0.0.1,MAP {REBOUND} 127.0.0.1",
]
PATIENCE_MS = 120_000
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session", name="browser")
def _browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None or not os.access(chromium, os.X_OK):
        pytest.skip(f"no Chromium at {chromium or ', '.join(_CHROMIUMS)}: set CHROMIUM to one")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=chromium, args=_ARGUMENTS, timeout=PATIENCE_MS
        )
        yield browser
        browser.close()
