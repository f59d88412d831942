"""Every refusal of the deployed API is the exception that OpenAI's client has for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openai import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

HI: Any = [{"role": "user", "content": "Hi"}]
IMAGE: Any = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        ],
    }
]
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


@contextmanager
def client_with(deployed: Deployment, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{deployed.base_url}/v1", api_key=key, max_retries=0) as client:
        yield client


@pytest.fixture
def openai(deployed: Deployment) -> Iterator[OpenAI]:
    with client_with(deployed, deployed.api_key) as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tools": [TOOL]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": -0.5}, "frequency_penalty"),
        ({"messages": IMAGE}, "messages[0].content[1]"),
        ({"extra_body": {"unheard_of": 1}}, "unheard_of"),
    ],
    ids=["tools", "format", "bias", "presence", "frequency", "images", "unknown"],
)
def test_what_the_model_cannot_do_is_a_bad_request_that_names_it(
    openai: OpenAI, asked: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(**{"model": "tgi", "messages": HI, **asked})
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    assert param in refused.value.message


def test_what_asks_for_nothing_is_served(openai: OpenAI) -> None:
    neutral: Any = {
        "tools": [],
        "logit_bias": {},
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "response_format": {"type": "text"},
    }
    answer = openai.chat.completions.create(model="tgi", messages=HI, max_tokens=1, **neutral)
    assert answer.usage


@pytest.mark.parametrize(
    "asked",
    [
        {"temperature": 2.1},
        {"top_p": 1.1},
        {"max_tokens": 0},
        {"n": 9},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"messages": []},
        {"messages": [{"role": "user"}]},
    ],
    ids=str,
)
def test_values_out_of_range_are_bad_requests(openai: OpenAI, asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(**{"model": "tgi", "messages": HI, **asked})
    assert refused.value.code == "invalid_request"


def test_a_prompt_too_long_is_refused_with_both_numbers(openai: OpenAI) -> None:
    long: Any = [{"role": "user", "content": " sea" * 1100}]
    with pytest.raises(BadRequestError, match=r"may take 1024, got 11\d\d") as refused:
        openai.chat.completions.create(model="tgi", messages=long)
    assert refused.value.code == "context_length_exceeded"


def test_an_answer_too_long_is_refused_with_both_numbers(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError, match=r"2048 tokens, got 30\d\d") as refused:
        openai.chat.completions.create(model="tgi", messages=HI, max_tokens=3000)
    assert refused.value.code == "context_length_exceeded"


def test_a_key_that_is_none_is_an_authentication_error(deployed: Deployment) -> None:
    with client_with(deployed, "short") as client, pytest.raises(AuthenticationError) as refused:
        client.chat.completions.create(model="tgi", messages=HI)
    assert refused.value.code == "invalid_api_key"


def test_an_unknown_key_is_told_that_it_is_wrong(deployed: Deployment) -> None:
    with (
        client_with(deployed, "u" * 40) as client,
        pytest.raises(AuthenticationError, match="wrong") as refused,
    ):
        client.models.list()
    assert refused.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda c: c.chat.completions.create(model="gpt-5", messages=HI), "model_not_found"),
        (lambda c: c.models.retrieve("gpt-5"), "model_not_found"),
        (lambda c: c.embeddings.create(model="tgi", input="Hi"), "unknown_url"),
    ],
    ids=["chat", "models", "route"],
)
def test_what_is_not_there_is_a_not_found_error(
    openai: OpenAI, call: Callable[[OpenAI], object], code: str
) -> None:
    with pytest.raises(NotFoundError) as refused:
        call(openai)
    assert refused.value.code == code


def test_streams_are_refused_alike(openai: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai.chat.completions.create(model="tgi", messages=HI, max_tokens=3000, stream=True)
    assert refused.value.code == "context_length_exceeded"


@contextmanager
def limited_key(aws: LocalStage, deployed: Deployment, **limits: Any) -> Iterator[str]:
    """Yield the key of a client of its own, which may do no more than the limits say."""
    gateway = aws.client("apigateway")
    *_, api_id, stage = deployed.base_url.split("/")
    plan = gateway.create_usage_plan(
        name="limited", apiStages=[{"apiId": api_id, "stage": stage}], **limits
    )["id"]
    key = gateway.create_api_key(name="limited", enabled=True)
    try:
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        yield key["value"]
    finally:
        gateway.delete_usage_plan_key(usagePlanId=plan, keyId=key["id"])
        gateway.delete_api_key(apiKey=key["id"])
        gateway.update_usage_plan(
            usagePlanId=plan,
            patchOperations=[{"op": "remove", "path": "/apiStages", "value": f"{api_id}:{stage}"}],
        )
        gateway.delete_usage_plan(usagePlanId=plan)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"throttle": {"rateLimit": 0.001, "burstLimit": 1}}, "rate_limit_exceeded"),
        ({"quota": {"limit": 1, "period": "DAY"}}, "insufficient_quota"),
    ],
    ids=["throttle", "quota"],
)
def test_a_client_past_its_limits_gets_rate_limit_errors(
    embedded_aws: LocalStage, deployed: Deployment, limits: dict[str, Any], code: str
) -> None:
    with (
        limited_key(embedded_aws, deployed, **limits) as key,
        client_with(deployed, key) as client,
    ):
        assert client.models.list().data
        with pytest.raises(RateLimitError) as refused:
            client.models.list()
    assert refused.value.code == code
