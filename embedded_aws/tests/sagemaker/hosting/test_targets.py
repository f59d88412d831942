"""What a request may aim at, and what it is told otherwise."""

import asyncio
import json

import pytest

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.hosting import runtime, targets
from embedded_aws.tests.sagemaker.hosting.conftest import Hosting

_PREFIX = "x-amzn-sagemaker-"


def _invoke(operation: str, **headers: str) -> tuple[int, Json]:
    status, _, body = asyncio.run(
        runtime.handle("POST", f"/endpoints/E/{operation}", headers, b"{}", {})
    )
    assert isinstance(body, bytes)
    return status, json.loads(body)


@pytest.mark.parametrize("operation", ["invocations", "invocations-response-stream"])
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("target-variant", "Variant Other of endpoint E not found."),
        ("target-model", "is not a multi-model endpoint and does not support target model header."),
        ("target-container-hostname", "leave out TargetContainerHostname, got Other."),
        ("inference-component", "Inference component Other of endpoint E not found"),
        ("session-id", "leave out SessionId, got Other."),
    ],
)
def test_what_the_endpoint_has_not_is_refused(
    hosting: Hosting, operation: str, header: str, words: str
) -> None:
    hosting.create()
    status, error = _invoke(operation, **{_PREFIX + header: "Other"})
    assert status == 400
    assert words in error["Message"]


def test_the_endpoints_variant_is_no_reason_to_refuse_and_names_itself(hosting: Hosting) -> None:
    hosting.create(hosting.config("Named", VariantName="Blue"))
    assert targets.refusal("E", {_PREFIX + "target-variant": "Blue"}) is None
    assert targets.invoked("E") == {"x-Amzn-Invoked-Production-Variant": "Blue"}


def test_asynchronous_invocation_says_that_it_is_not_emulated(hosting: Hosting) -> None:
    hosting.create()
    status, error = _invoke("async-invocations")
    assert status == 400
    assert error["Message"] == (
        "InvokeEndpointAsync is not emulated: use InvokeEndpoint or"
        " InvokeEndpointWithResponseStream."
    )


def test_openai_route_says_that_it_is_not_emulated(hosting: Hosting) -> None:
    hosting.create()
    status, error = _invoke("openai/v1/chat/completions")
    assert status == 400
    assert error["Message"].startswith("SageMaker's OpenAI route is not emulated, got /endpoints/")
