"""Invocations of a real container, which an update replaces meanwhile without dropping any."""

import json
from typing import Any

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import TGI_IMAGE, Account, until

_ASKED = json.dumps({"inputs": "The capital of France is", "parameters": {"max_new_tokens": 40}})


def _stream(account: Account, name: str) -> Any:
    runtime = account.aws.client("sagemaker-runtime")
    body = json.dumps({**json.loads(_ASKED), "stream": True})
    return runtime.invoke_endpoint_with_response_stream(
        EndpointName=name, ContentType="application/json", Body=body
    )["Body"]


def _in_service(account: Account, name: str, config: str) -> None:
    def settled() -> bool:
        found = account.sagemaker.describe_endpoint(EndpointName=name)
        return (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config)

    until(settled)


def test_a_stream_outlives_the_update_that_replaces_its_container(account: Account) -> None:
    sagemaker, name = account.sagemaker, account.name("Invoked")
    container = {"Image": TGI_IMAGE, "Environment": {"HF_MODEL_ID": MODEL_ID}}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=account.role(), PrimaryContainer=container
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    for config in (f"{name}-a", f"{name}-b"):
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-a")
    _in_service(account, name, f"{name}-a")
    events = iter(_stream(account, name))
    first = next(events)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
    _in_service(account, name, f"{name}-b")
    parts = [first, *events]
    text = b"".join(part["PayloadPart"]["Bytes"] for part in parts)
    assert b'"generated_text":"' in text.replace(b" ", b"")
    answer = account.aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="application/json", Body=_ASKED
    )
    assert json.load(answer["Body"])[0]["generated_text"]
    sagemaker.delete_endpoint(EndpointName=name)
