"""Endpoints of each server's image, from their configuration to an answer or a failure reason."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.model_server.llama_cpp.entrypoint import HUB_REPOSITORY
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import CUDA_13_AMI, VLLM_IMAGE, Account, until
from embedded_aws.tests.sagemaker.endpoints import begin_endpoint

_LLAMA_CPP = "763104351884.dkr.ecr.us-east-1.amazonaws.com/llama-cpp-arm64:server-sagemaker-cpu-v1"
_AMI = {"InferenceAmiVersion": CUDA_13_AMI}


def _create(
    account: Account, image: str, environment: dict[str, str], instance_type: str, **variant: str
) -> str:
    """The name of an endpoint that begins to start."""
    name = account.name("Server")
    begin_endpoint(
        account, name, image=image, environment=environment, InstanceType=instance_type, **variant
    )
    return name


def _settled(account: Account, name: str) -> dict[str, Any]:
    def described() -> Any:
        found = account.sagemaker.describe_endpoint(EndpointName=name)
        return found if found["EndpointStatus"] != "Creating" else None

    found: dict[str, Any] = until(described)
    if "FailureReason" in found:
        account.sagemaker.delete_endpoint(EndpointName=name)
    return found


@pytest.fixture(scope="module")
def endpoints(account: Account) -> Iterator[dict[str, str]]:
    """An endpoint of each server, in service."""
    names = {
        "vllm": _create(account, VLLM_IMAGE, {"SM_VLLM_MODEL": MODEL_ID}, "ml.g5.2xlarge", **_AMI),
        "llama-cpp": _create(
            account, _LLAMA_CPP, {"SM_LLAMA_CPP_HF_REPO": HUB_REPOSITORY}, "ml.c7g.2xlarge"
        ),
    }
    for name in names.values():
        assert _settled(account, name)["EndpointStatus"] == "InService"
    yield names
    for name in names.values():
        account.sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize("server", ["vllm", "llama-cpp"])
def test_chat_is_answered_whole_and_as_a_stream(
    account: Account, endpoints: dict[str, str], server: str
) -> None:
    runtime = account.aws.client("sagemaker-runtime")
    greedy = {"temperature": 0, "cache_prompt": False}  # llama.cpp answers differently from a cache
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, **greedy}
    to = {"EndpointName": endpoints[server], "ContentType": "application/json"}

    whole = json.load(runtime.invoke_endpoint(**to, Body=json.dumps(body))["Body"])
    stream = runtime.invoke_endpoint_with_response_stream(
        **to, Body=json.dumps({**body, "stream": True})
    )["Body"]
    text = b"".join(part["PayloadPart"]["Bytes"] for part in stream).decode()

    assert whole["object"] == "chat.completion"
    assert whole["usage"]["completion_tokens"] == 4
    *events, done = text.removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0]["delta"] for event in events]
    assert (
        "".join(delta.get("content") or "" for delta in deltas)
        == (whole["choices"][0]["message"]["content"])
    )


@pytest.mark.parametrize("server", ["vllm", "llama-cpp"])
def test_refusal_of_the_server_is_told(
    account: Account, endpoints: dict[str, str], server: str
) -> None:
    runtime = account.aws.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as refused:
        runtime.invoke_endpoint(
            EndpointName=endpoints[server], ContentType="application/json", Body=b'{"messages": 1}'
        )
    assert refused.value.response["OriginalStatusCode"] == 400
    assert json.loads(refused.value.response["OriginalMessage"])["error"]["code"] == 400


@pytest.mark.parametrize(
    ("image", "environment", "instance_type", "reason"),
    [
        (VLLM_IMAGE, {"SM_VLLM_MODEL": MODEL_ID}, "ml.g5.2xlarge", "CannotStartContainerError"),
        (VLLM_IMAGE, {"SM_VLLM_MODEL": MODEL_ID}, "ml.c7i.2xlarge", "ml.c7i.2xlarge has no GPU"),
        (_LLAMA_CPP, {}, "ml.c7i.2xlarge", "CannotStartContainerError"),
        (_LLAMA_CPP, {}, "ml.c7g.2xlarge", "no *.gguf found under /opt/ml/model"),
        (
            VLLM_IMAGE,
            {"SM_VLLM_MODEL": MODEL_ID, "SM_VLLM_MAX_INPUT_LENGTH": "8"},
            "ml.g6.2xlarge",
            "unrecognized arguments: --max-input-length 8",
        ),
    ],
)
def test_endpoint_fails_with_the_reason(
    account: Account, image: str, environment: dict[str, str], instance_type: str, reason: str
) -> None:
    found = _settled(account, _create(account, image, environment, instance_type))

    assert found["EndpointStatus"] == "Failed"
    assert reason in found["FailureReason"]
