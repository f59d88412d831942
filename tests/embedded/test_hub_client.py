"""Hugging Face's clients of the deployed API, which take it for a TGI of their own."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, ValidationError

from operate.api.deployment import Deployment
from tests.embedded.conftest import ROOT

CLIENTS = ROOT / "tests/clients"
PYTHON = ROOT / ".venv-tgi/bin/python"
PROMPT = "The sea is"
CHAT: Any = [{"role": "user", "content": "Tell me about the sea."}]


@pytest.fixture(params=["", "/invocations"], ids=["root", "invocations"])
def hub(deployed: Deployment, request: pytest.FixtureRequest) -> Iterator[InferenceClient]:
    """Both URLs that stand for the SageMaker container."""
    with InferenceClient(f"{deployed.base_url}{request.param}", token=deployed.api_key) as client:
        yield client


@pytest.fixture
def chat(deployed: Deployment) -> Iterator[InferenceClient]:
    with InferenceClient(base_url=deployed.base_url, api_key=deployed.api_key) as client:
        yield client


def test_text_generation_answers_whole_with_details_and_streamed(hub: InferenceClient) -> None:
    text = hub.text_generation(PROMPT, max_new_tokens=6)
    detailed = hub.text_generation(PROMPT, max_new_tokens=6, details=True)
    streamed = list(hub.text_generation(PROMPT, max_new_tokens=6, stream=True))

    assert text == detailed.generated_text == "".join(streamed)
    assert detailed.details is not None
    assert detailed.details.finish_reason == "length"
    assert detailed.details.generated_tokens == len(detailed.details.tokens) == len(streamed) == 6


def test_text_generation_streams_tokens_with_details(hub: InferenceClient) -> None:
    *before, last = hub.text_generation(PROMPT, max_new_tokens=6, stream=True, details=True)

    assert {event.details for event in before} == {None}
    assert last.details is not None
    assert last.details.generated_tokens == len(before) + 1 == 6
    assert last.generated_text == "".join(event.token.text for event in [*before, last])


def test_what_does_not_fit_is_a_validation_error(hub: InferenceClient) -> None:
    with pytest.raises(ValidationError, match="2048 tokens, got 100002"):
        hub.text_generation(PROMPT, max_new_tokens=99_999)
    with pytest.raises(ValidationError, match="2048 tokens, got 100002"):
        list(hub.text_generation(PROMPT, max_new_tokens=99_999, stream=True))


def test_chat_completion_answers_whole_and_streamed(
    chat: InferenceClient, deployed: Deployment
) -> None:
    asked: Any = {"max_tokens": 8, "temperature": 0}
    whole = chat.chat_completion(CHAT, **asked)
    streamed = chat.chat_completion(CHAT, stream=True, **asked)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    assert whole.choices[0].message.content == text
    assert whole.choices[0].finish_reason == "length"
    assert whole.model == deployed.model
    assert whole.usage.completion_tokens == 8


def test_chat_completion_refused_is_a_bad_request(chat: InferenceClient) -> None:
    with pytest.raises(
        BadRequestError, match=r"not supported by TGI 1\.1, leave out: `logit_bias`"
    ):
        chat.chat_completion(CHAT, logit_bias=[1.0])


def test_async_client_generates(deployed: Deployment) -> None:
    async def generated() -> str:
        async with AsyncInferenceClient(deployed.base_url, token=deployed.api_key) as client:
            return str(await client.text_generation(PROMPT, max_new_tokens=4))

    assert asyncio.run(generated())


@pytest.mark.parametrize("key", ["short", "u" * 40])
def test_a_wrong_key_is_refused(deployed: Deployment, key: str) -> None:
    with (
        InferenceClient(base_url=deployed.base_url, api_key=key) as client,
        pytest.raises(HfHubHTTPError) as refused,
    ):
        client.chat_completion(CHAT)
    assert refused.value.response.status_code == 401


def test_text_generation_package_gets_what_tgi_answers(deployed: Deployment) -> None:
    ended = subprocess.run(
        [
            PYTHON,
            "-m",
            "pytest",
            "-c",
            CLIENTS / "checks.ini",
            CLIENTS / "rest_api",
        ],
        env={**os.environ, "API_URL": deployed.base_url, "API_KEY": deployed.api_key},
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
