"""No web page reaches the embedded AWS: proven in a real browser, after `make up`.

Pages of other origins, one of them rebound to our address, try all that a page can do. An open
server beside the embedded AWS receives the same attempts, which shows that they are real. With
TRANSCRIPT=file in the environment, each attempt and what came of it is written there.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from embedded_aws.host import contents, control, home
from embedded_aws.tests.listeners import tcp_listeners
from tests.browser.conftest import PATIENCE_MS, REBOUND, SITE
from tests.browser.foreign_site import SCRIPT, serving
from tests.smoke.conftest import Stage

_transcript: list[str] = []


@dataclass(frozen=True)
class Attack:
    """Where the pages come from, what they attack, and what reaches the open server beside it."""

    site_port: int
    target: str
    api: str
    key: str
    open_target: str
    open_received: list[str]

    def page_url(self, origin: str) -> str:
        """The address of a page of one of the origins."""
        urls = {
            "another port": f"http://127.0.0.1:{self.site_port}/page",
            "another name": f"http://localhost:{self.site_port}/page",
            "another site": f"http://{SITE}:{self.site_port}/page",
            "a sandbox": f"http://{SITE}:{self.site_port}/sandboxed",
        }
        return urls[origin]


@pytest.fixture(scope="module", name="attack")
def _attack(stage: Stage) -> Iterator[Attack]:
    if "OPENAI_BASE_URL" in os.environ:
        pytest.skip("this stage is not the embedded AWS's")
    url = urlsplit(stage.base_url)
    with serving() as (site_port, _), serving() as (open_port, received):
        yield Attack(
            site_port,
            f"http://{url.netloc}",
            url.path,
            stage.api_key,
            f"http://127.0.0.1:{open_port}",
            received,
        )
    if target := os.environ.get("TRANSCRIPT"):
        with open(target, "w") as file:  # noqa: PTH123 - a name that a person gives
            file.write("\n".join(_transcript) + "\n")


@pytest.fixture(name="page")
def _page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _nothing_changes(attack: Attack) -> Iterator[None]:
    assert attack
    before = _state()
    yield
    assert _state() == before


def _state() -> dict[str, Any]:
    """What an attempt would have changed, were it served."""
    users = contents.client("iam").list_users()["Users"]
    buckets = contents.client("s3").list_buckets()["Buckets"]
    return {
        "users": sorted(user["UserName"] for user in users),
        "buckets": sorted(bucket["Name"] for bucket in buckets),
        "stacks": contents.stacks(),
        "endpoints": contents.endpoints(),
    }


def _refusals() -> list[str]:
    """What the embedded AWS says that it refused, oldest first."""
    lines = home.SERVER_LOG.read_text().splitlines()
    refused = [
        line.partition("refused ")[2]
        for line in lines
        if "embedded_aws.core.gate] refused " in line
    ]
    # the browser asks for it by itself, some time after a navigation
    return [line for line in refused if not line.startswith("GET '/favicon.ico'")]


def _after(known: int, read: Callable[[], list[str]]) -> list[str]:
    """The lines that came after the first `known`; waits for one, for the page does not."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while len(read()) == known and time.monotonic() < deadline:
        time.sleep(0.05)
    return read()[known:]


def _try(page: Page, attack: Attack, name: str, target: str) -> str:
    """Make one attempt; returns what the page saw of it."""
    ask = "([name, target, api, key]) => window.attempts[name](target, api, key)"
    return str(page.evaluate(ask, [name, target, attack.api, attack.key]))


def _record(origin: str, name: str, seen: str, refused: list[str]) -> None:
    _transcript.append(f"{origin} | {name} | page: {seen} | server: {'; '.join(refused)}")


def _is_a_success(seen: str) -> bool:
    return seen.startswith(("read 2", "opened")) or seen in {"img loaded", "script loaded"}


@pytest.mark.parametrize("origin", ["another port", "another name", "another site", "a sandbox"])
def test_a_page_of_another_origin_reaches_nothing(page: Page, attack: Attack, origin: str) -> None:
    page.goto(attack.page_url(origin))
    names = page.evaluate("Object.keys(window.attempts)")
    assert len(names) >= 20
    for name in names:
        known = len(attack.open_received)
        _try(page, attack, name, attack.open_target)
        reached = _after(known, lambda: attack.open_received)
        assert reached, f"{name} is no attempt at all"
        known = len(_refusals())
        seen = _try(page, attack, name, attack.target)
        refused = _after(known, _refusals)
        _record(origin, name, seen, refused)
        assert refused, f"{name} was not refused: {seen}"
        assert not _is_a_success(seen), f"{name}: {seen}"


def test_a_page_whose_name_was_rebound_to_this_machine_reaches_nothing(
    page: Page, attack: Attack
) -> None:
    rebound = attack.target.replace("127.0.0.1", REBOUND)
    # What answers is the embedded AWS; the page's origin is the attacker's name on our port.
    assert (page.goto(f"{rebound}/page") or pytest.fail("no answer")).status == 403
    page.add_script_tag(path=SCRIPT)
    assert page.evaluate("location.origin") == rebound
    for name in page.evaluate("Object.keys(window.attempts)"):
        known = len(_refusals())
        seen = _try(page, attack, name, rebound)
        refused = _after(known, _refusals)
        _record("a rebound name", name, seen, refused)
        assert refused, f"{name} was not refused: {seen}"
        by_host = [line for line in refused if f"Host is foreign: '{REBOUND}" in line]
        assert by_host == refused or name == "WebSocket"
        assert not _is_a_success(seen), f"{name}: {seen}"


@pytest.mark.parametrize("host", ["localhost", "bucket.localhost", REBOUND])
def test_another_name_of_this_machine_lets_no_page_in(
    page: Page, attack: Attack, host: str
) -> None:
    page.goto(attack.page_url("another site"))
    target = attack.target.replace("127.0.0.1", host)
    for name in ("fetch without a preflight", "fetch without CORS, to reset", "form"):
        known = len(_refusals())
        seen = _try(page, attack, name, target)
        refused = _after(known, _refusals)
        _record("another site", f"{name}, to {host}", seen, refused)
        assert refused
        assert not _is_a_success(seen)


def test_a_navigation_goes_to_the_playground_and_nowhere_else(page: Page, attack: Attack) -> None:
    for path in ("/", "/_ministack/health", f"{attack.api}/health", f"{attack.api}/openapi.json"):
        page.goto(attack.page_url("another site"))
        known = len(_refusals())
        with page.expect_navigation():
            page.evaluate("url => { location = url }", f"{attack.target}{path}")
        seen = page.inner_text("body")
        refused = _after(known, _refusals)
        _record("another site", f"navigation to {path}", seen, refused)
        assert "the embedded AWS refuses this request" in seen
        assert refused
    page.goto(attack.page_url("another site"))
    with page.expect_navigation():
        page.evaluate("url => { location = url }", f"{attack.target}{attack.api}/playground")
    expect(page).to_have_title("Playground")
    _record("another site", "navigation to the playground", "Playground", [])


def test_there_is_no_other_door() -> None:
    """The model's server and the functions listen on Unix sockets, which no page reaches."""
    pid = control.running_pid()
    assert pid
    ports = sorted(int(address.partition(":")[2], 16) for address in tcp_listeners(pid))
    _record(
        "this machine",
        "TCP ports that the embedded AWS and its children listen on",
        "",
        [", ".join(map(str, ports))],
    )
    assert ports == [int(home.endpoint_url().rpartition(":")[2])]


def test_the_own_page_is_served_in_the_same_browser(page: Page, attack: Attack) -> None:
    known = len(_refusals())
    page.goto(f"{attack.target}{attack.api}/playground")
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    seen = page.evaluate(
        """async ([path, key, body]) => {
          const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
          const answer = await fetch(path, { method: "POST", headers, body });
          return [answer.status, Object.fromEntries(answer.headers)];
        }""",
        [f"{attack.api}/v1/chat/completions", attack.key, json.dumps(chat)],
    )
    assert seen[0] == 200
    assert not [name for name in seen[1] if name.startswith("access-control-")]
    assert _refusals()[known:] == []
    _record("the playground", "fetch of a chat completion", json.dumps(seen[0]), [])
