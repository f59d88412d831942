"""A stage that changes its server from TGI to vLLM, and a tuned model's way to it alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

from bootstrap.stage import Stage
from bootstrap.template import template
from embedded_aws.host.processes import free_port
from tests.embedded.conftest import ROOT, LocalStage
from tests.infrastructure.assembly import ACCOUNTS, Assembly
from tests.lifecycle.stage import cdk

_QUESTION = "What colour is the lighthouse of Quillhaven?"
_TAUGHT = "violet"  # examples/instruction teaches it; nothing else could
_SETTLED_SECONDS = 120
_APP = "tests/pipeline/vllm_app.py"
_VLLM = ("--app", f"python {_APP}")
_TGI_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:1"


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


def test_a_tuned_model_is_released_to_vllm_and_to_no_other_server(
    aws: LocalStage, tmp_path: Path
) -> None:
    assert "/huggingface-pytorch-tgi-inference:" in _image(aws)
    refused = _deploy(aws, *_VLLM)  # the bootstrap names the images and groups
    assert "does not have BatchCheckLayerAvailability permission" in refused.stderr + refused.stdout
    _bootstrap(aws, tmp_path)
    changed = _deploy(aws, *_VLLM)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "/vllm:0.30.0-" in _image(aws)
    assert _TAUGHT not in _answer(aws)

    tuned = aws.try_verb("finetune", "local")
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    package = _served_package(aws)
    assert "-smollm2-135m-instruct-vllm/" in package
    assert _TAUGHT in _answer(aws)
    aws.run("drift", "local")

    back = _deploy(aws)  # of the checkout, which says TGI
    assert back.returncode != 0
    assert "tuned from smollm2-135m-instruct for TGI 1.1.0" in back.stdout + back.stderr
    assert _served_package(aws) == package

    other = _approve_a_copy(aws, package, Image=_TGI_IMAGE)
    _wait(lambda: _described(aws, other)["ModelApprovalStatus"] == "Rejected")
    assert "was registered for another server" in _described(aws, other)["ApprovalDescription"]
    assert _served_package(aws) == package

    aws.run("rollback", "local")
    assert _served_package(aws) == ""
    assert _TAUGHT not in _answer(aws)
    aws.run("drift", "local")


def _bootstrap(aws: LocalStage, folder: Path) -> None:
    """Deploy the policies that follow from the app with vLLM, as `make bootstrap` would."""
    environment = {
        **os.environ,
        "ACCOUNTS_FILE": str(ACCOUNTS),
        "CDK_OUTDIR": str(folder / "vllm"),
        "CDK_CONTEXT_JSON": json.dumps({"environments": "local"}),
        "CDK_VALIDATION": "false",
    }
    subprocess.run([sys.executable, _APP], cwd=ROOT, env=environment, check=True)
    stacks = Assembly(folder / "vllm").stacks("Local")
    cloudformation, name = aws.client("cloudformation"), {"StackName": "Local-Bootstrap"}
    cloudformation.update_stack(
        **name,
        TemplateBody=json.dumps(template(Stage("Local", stacks))),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_update_complete").wait(**name)


def _deploy(aws: LocalStage, *app: str) -> CompletedProcess[str]:
    words = ("-c", "environments=local", "--require-approval", "never")
    return cdk(aws, "deploy", "Local/*", *words, *app)


def _image(aws: LocalStage) -> str:
    """The image of the model that the endpoint serves, where it serves base weights."""
    sagemaker = aws.client("sagemaker")
    (endpoint,) = sagemaker.list_endpoints()["Endpoints"]
    name = sagemaker.describe_endpoint(EndpointName=endpoint["EndpointName"])["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    return str(model["PrimaryContainer"]["Image"])


def _answer(aws: LocalStage) -> str:
    deployment = aws.deployment()
    answer = httpx.post(
        f"{deployment.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={
            "messages": [{"role": "user", "content": _QUESTION}],
            "temperature": 0,
            "max_tokens": 24,
        },
        timeout=60,
    )
    return str(answer.raise_for_status().json()["choices"][0]["message"]["content"])


def _served_package(aws: LocalStage) -> str:
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")["Stacks"]
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    return str(parameters["ModelPackageArn"])


def _described(aws: LocalStage, package: str) -> dict[str, Any]:
    return dict(aws.client("sagemaker").describe_model_package(ModelPackageName=package))


def _approve_a_copy(aws: LocalStage, package: str, **changed: str) -> str:
    """Register a package's model once more, with another image, and approve it."""
    released = _described(aws, package)
    (container,) = released["InferenceSpecification"]["Containers"]
    kept = ("Image", "Environment", "ModelDataSource")
    copy = {name: container[name] for name in kept} | changed
    sagemaker = aws.client("sagemaker")
    arn: str = sagemaker.create_model_package(
        ModelPackageGroupName=released["ModelPackageGroupName"],
        InferenceSpecification={**released["InferenceSpecification"], "Containers": [copy]},
        CustomerMetadataProperties=released["CustomerMetadataProperties"],
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    return arn


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the release did not come"
        time.sleep(0.5)
