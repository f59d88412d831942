"""The playground in a real browser, against the deployed stage: `make up`, then `make browser`."""

import os
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.smoke.conftest import Stage


@pytest.fixture(name="page")
def _page(browser: Browser, stage: Stage) -> Iterator[Page]:
    if httpx.get(f"{stage.base_url}/playground", timeout=120).status_code == 404:
        pytest.skip("this stage is configured without the playground")
    page = browser.new_page(viewport={"width": 1000, "height": 760})
    page.set_default_timeout(PATIENCE_MS)
    messages: list[str] = []

    def keep(message: ConsoleMessage) -> None:
        if message.type == "error":
            messages.append(message.text)

    page.on("console", keep)
    page.goto(f"{stage.base_url}/playground")
    yield page
    page.close()
    violations = [text for text in messages if "Content Security Policy" in text]
    assert violations == []


def _ask(page: Page, key: str, question: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_label("Temperature").fill("0")
    page.get_by_label("Max tokens").fill("48")
    page.get_by_label("Message").fill(question)
    page.get_by_role("button", name="Send").click()


def test_playground_streams_an_answer_and_shows_its_figures(page: Page, stage: Stage) -> None:
    _ask(page, stage.api_key, "What is the capital of France?")
    expect(page.get_by_role("status")).to_contain_text("tokens in")
    assert page.locator(".assistant").inner_text().strip()
    status = page.get_by_role("status").inner_text()
    assert all(word in status for word in ("first token", "ms", "tokens/s", "out"))
    if target := os.environ.get("SCREENSHOT"):
        page.screenshot(path=target)


def test_playground_shows_the_same_call_as_curl_and_python(page: Page, stage: Stage) -> None:
    _ask(page, stage.api_key, "It's <b>me</b>")
    page.get_by_text("The same call").click()
    assert f"curl -N {stage.base_url}/v1/chat/completions" in page.locator("#curl").inner_text()
    python = page.locator("#python").inner_text()
    assert f'base_url="{stage.base_url}/v1"' in python
    assert stage.api_key not in python + page.locator("#curl").inner_text()
    compile(python, "playground", "exec")
    # What a person types is text, never markup.
    assert page.locator(".user").inner_text() == "It's <b>me</b>"


def test_playground_says_why_when_the_key_is_wrong(page: Page) -> None:
    _ask(page, "x" * 40, "Hello?")
    expect(page.locator(".fault")).to_contain_text("the key is wrong")


def test_playground_goes_on_with_the_conversation(page: Page, stage: Stage) -> None:
    _ask(page, stage.api_key, "Say hello.")
    expect(page.get_by_role("status")).to_contain_text("tokens in")
    first = page.get_by_role("status").inner_text()
    _ask(page, stage.api_key, "Again.")
    expect(page.get_by_role("status")).not_to_have_text(first)
    expect(page.get_by_role("status")).to_contain_text("tokens in")
    assert page.locator(".turn").count() == 4


def test_playground_says_so_when_a_stream_breaks_off(page: Page) -> None:
    piece = 'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}, "text": "Hel"}]}\n\n'
    page.route(
        "**/completions",
        lambda route: route.fulfill(body=piece, content_type="text/event-stream"),
    )
    _ask(page, "x" * 40, "Hello?")
    expect(page.locator(".fault")).to_have_text("Hel (the stream broke off)")
