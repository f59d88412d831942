"""The proxy's process behind the API: replaced without a broken stream, refused in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local.deployment import Deployment
from tests.local.conftest import EmbeddedAws


@contextmanager
def changed(aws: EmbeddedAws, function: dict[str, Any], **variables: str) -> Iterator[None]:
    """Give the function other variables for a while."""
    update = aws.client("lambda").update_function_configuration
    name, before = function["FunctionName"], function["Environment"]["Variables"]
    update(FunctionName=name, Environment={"Variables": {**before, **variables}})
    try:
        yield
    finally:
        update(FunctionName=name, Environment={"Variables": before})


def chat(deployed: Deployment, **parameters: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Write about the sea."}]
    return {
        "url": f"{deployed.base_url}/v1/chat/completions",
        "headers": {"Authorization": f"Bearer {deployed.api_key}"},
        "json": {"messages": messages, "temperature": 0, **parameters},
        "timeout": 60,
    }


def test_a_changed_function_ends_no_open_stream(
    embedded_aws: EmbeddedAws, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with httpx.stream("POST", **chat(deployed, max_tokens=100, stream=True)) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data:")
        with changed(embedded_aws, proxy_function, MODEL_ID="another-name"):
            models = httpx.get(
                f"{deployed.base_url}/v1/models",
                headers={"Authorization": f"Bearer {deployed.api_key}"},
                timeout=30,
            ).json()
            assert [model["id"] for model in models["data"]] == ["another-name"]
            assert [line for line in lines if line][-1] == "data: [DONE]"


def test_a_function_that_does_not_start_is_a_refusal_in_openais_shape(
    embedded_aws: EmbeddedAws, deployed: Deployment, proxy_function: dict[str, Any]
) -> None:
    with changed(embedded_aws, proxy_function, MAX_TOTAL_TOKENS="none"):
        answer = httpx.post(**chat(deployed, max_tokens=1))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "proxy_unavailable"
    assert answer.headers["retry-after"] == "1"


def test_a_context_in_a_callers_header_is_not_believed(deployed: Deployment) -> None:
    asked = chat(deployed, max_tokens=1)
    asked["headers"]["X-Amzn-Request-Context"] = '{"requestId": "forged"}'
    assert httpx.post(**asked).headers["x-request-id"] != "forged"
