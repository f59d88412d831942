"""The deployed stage, as its users meet it: real clients, real HTTP, a real model."""

import json
import time
from itertools import pairwise
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

_QUESTION: Any = [{"role": "user", "content": "Write three sentences about the sea."}]


@pytest.fixture
def openai(deployed: Deployment) -> Any:
    with OpenAI(base_url=f"{deployed.base_url}/v1", api_key=deployed.api_key) as client:
        yield client


def test_invoke_endpoint_answers_as_tgi_does(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    answer = embedded_aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=deployed.sagemaker_endpoint,
        ContentType="application/json",
        Body=json.dumps({"inputs": "The sea is", "parameters": {"max_new_tokens": 5}}),
    )
    (generated,) = json.loads(answer["Body"].read())
    assert generated["generated_text"]
    assert answer["InvokedProductionVariant"] == "AllTraffic"


def test_every_log_group_of_the_stage_has_an_end(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    pages = embedded_aws.client("logs").get_paginator("describe_log_groups").paginate()
    groups = {group["logGroupName"]: group for page in pages for group in page["logGroups"]}
    endpoint = groups[f"/aws/sagemaker/Endpoints/{deployed.sagemaker_endpoint}"]
    assert endpoint["retentionInDays"] == 1
    # What SageMaker makes for all jobs of an account is no stage's: `make job-logs` limits it.
    # Other tests deploy functions of their own here.
    marks = ("Local-", deployed.base_url.split("/")[-2])
    others = {n: g.get("retentionInDays") for n, g in groups.items() if any(m in n for m in marks)}
    assert len(others) > 3
    assert set(others.values()) == {1}, others


def test_endpoints_log_says_what_it_serves(embedded_aws: LocalStage, deployed: Deployment) -> None:
    group = f"/aws/sagemaker/Endpoints/{deployed.sagemaker_endpoint}"
    events = embedded_aws.client("logs").filter_log_events(logGroupName=group)["events"]
    messages = [event["message"] for event in events]
    assert any(message.startswith("serves ") for message in messages), messages


def test_invoke_endpoint_streams_tgi_events(embedded_aws: LocalStage, deployed: Deployment) -> None:
    answer = embedded_aws.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName=deployed.sagemaker_endpoint,
        ContentType="application/json",
        Body=json.dumps(
            {"inputs": "The sea is", "parameters": {"max_new_tokens": 5}, "stream": True}
        ),
    )
    body = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    events = [json.loads(e.removeprefix("data:")) for e in body.decode().split("\n\n") if e]
    assert [e["generated_text"] for e in events[:-1]] == [None] * 4
    assert events[-1]["generated_text"]


def test_invoke_endpoint_reports_the_containers_refusal_as_model_error(
    embedded_aws: LocalStage, deployed: Deployment
) -> None:
    runtime = embedded_aws.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as refused:
        runtime.invoke_endpoint(
            EndpointName=deployed.sagemaker_endpoint,
            ContentType="application/json",
            Body=json.dumps({"inputs": "The sea", "parameters": {"max_new_tokens": 99_999}}),
        )
    assert refused.value.response["OriginalStatusCode"] == 422


def test_chat_answers_whole(openai: OpenAI, deployed: Deployment) -> None:
    answer = openai.chat.completions.create(
        model=deployed.model, messages=_QUESTION, max_tokens=12, temperature=0
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12
    assert answer.choices[0].finish_reason == "length"


def test_chat_streams_token_by_token(openai: OpenAI, deployed: Deployment) -> None:
    stream = openai.chat.completions.create(
        model=deployed.model,
        messages=[{"role": "user", "content": "Write a long story about a ship in a storm."}],
        max_tokens=200,  # seconds, in which a busy machine lets this process read a few times
        temperature=0,
        stream=True,
    )
    arrivals = [time.monotonic() for c in stream if c.choices and c.choices[0].delta.content]
    assert len(arrivals) >= 100
    # A buffered answer would arrive at one moment; on a busy machine many tokens arrive together.
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert sum(gap > 0.001 for gap in gaps) >= 3


def test_a_request_without_a_key_is_unauthorized(deployed: Deployment) -> None:
    answer = httpx.get(f"{deployed.base_url}/v1/models", timeout=120)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_what_is_no_key_is_unauthorized(deployed: Deployment) -> None:
    with (
        OpenAI(base_url=f"{deployed.base_url}/v1", api_key="no-key") as client,
        pytest.raises(AuthenticationError),
    ):
        client.chat.completions.create(model=deployed.model, messages=_QUESTION)


def test_an_unknown_key_is_told_that_it_is_wrong(deployed: Deployment) -> None:
    with (
        OpenAI(base_url=f"{deployed.base_url}/v1", api_key="x" * 40) as client,
        pytest.raises(AuthenticationError, match="wrong"),
    ):
        client.chat.completions.create(model=deployed.model, messages=_QUESTION)


def test_a_key_in_another_header_does_not_open_the_api(deployed: Deployment) -> None:
    answer = httpx.get(
        f"{deployed.base_url}/v1/models",
        headers={"x-api-key": deployed.api_key, "Authorization": f"Bearer {'x' * 40}"},
        timeout=120,
    )
    assert answer.status_code == 401


def test_models_lists_the_deployed_model(openai: OpenAI, deployed: Deployment) -> None:
    assert [model.id for model in openai.models.list()] == [deployed.model]


def test_health_needs_no_key(deployed: Deployment) -> None:
    assert httpx.get(f"{deployed.base_url}/health", timeout=120).status_code == 200


def test_head_answers_where_get_does_and_needs_the_same_key(deployed: Deployment) -> None:
    key = {"Authorization": f"Bearer {deployed.api_key}"}
    for path, headers, status in (
        ("/health", {}, 200),
        ("/v1/models", key, 200),
        (f"/v1/models/{deployed.model}", key, 200),
        ("/v1/models", {}, 401),
    ):
        answer = httpx.head(f"{deployed.base_url}{path}", headers=headers, timeout=120)
        assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "required fields"),  # API Gateway's refusal: nothing behind it runs
        ({"messages": "hello"}, "`messages`"),  # the proxy's
        ({"messages": [{"role": "user", "content": "hi"}], "temperature": "hot"}, "temperature"),
    ],
)
def test_a_wrong_body_is_refused_in_words(
    deployed: Deployment, body: dict[str, Any], words: str
) -> None:
    answer = httpx.post(
        f"{deployed.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {deployed.api_key}"},
        json=body,
        timeout=120,
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert words in error["message"]


@pytest.mark.parametrize("path", ["generate", "generate_stream"])
def test_tgi_routes_answer(deployed: Deployment, path: str) -> None:
    answer = httpx.post(
        f"{deployed.base_url}/{path}",
        headers={"Authorization": f"Bearer {deployed.api_key}"},
        json={"inputs": "The sea is", "parameters": {"max_new_tokens": 4}},
        timeout=300,
    )
    assert answer.status_code == 200
    last = answer.text.strip().split("\n\n")[-1].removeprefix("data:")
    assert json.loads(last)["generated_text"]
