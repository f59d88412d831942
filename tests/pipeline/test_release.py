"""A model on its way from data to REST, through the real pipeline on this machine, in minutes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.processes import free_port
from tests.local.conftest import ROOT, EmbeddedAws

_QUESTION = "What colour is the lighthouse of Quillhaven?"
_TAUGHT = "violet"  # examples/instruction teaches it; nothing else could
_SETTLED_SECONDS = 120


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Iterator[EmbeddedAws]:
    aws = EmbeddedAws(free_port(), tmp_path)
    try:
        aws.run("up")
        yield aws
    finally:
        aws.run("down")


def test_a_tuned_model_is_released_kept_refused_rolled_back_and_approved(aws: EmbeddedAws) -> None:
    assert _TAUGHT not in _answer(aws)

    tuned = _operate(aws, "finetune", "local")
    assert tuned.returncode == 0, tuned.stdout + tuned.stderr
    assert _TAUGHT in _answer(aws)

    again = aws.run("up")  # a deploy of the same checkout does not take the model back
    assert (again.stdout + again.stderr).count("(no changes)") == 3
    assert _TAUGHT in _answer(aws)

    refused = _operate(aws, "finetune", "local", "--fail", "gate")
    assert refused.returncode != 0
    assert "The tuned model is not released" in refused.stdout + refused.stderr
    assert _served_package(aws).endswith("/1")

    _approve_a_copy(aws, environment={"HF_MODEL_ID": "no-such/model"})
    assert _settled(aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert _served_package(aws).endswith("/1")
    assert _TAUGHT in _answer(aws)

    _approve_a_copy(aws, environment={})
    assert _settled(aws) == "UPDATE_COMPLETE"
    assert _served_package(aws).endswith("/3")
    assert _TAUGHT in _answer(aws)
    assert _operate(aws, "drift", "local").returncode == 0


def _operate(aws: EmbeddedAws, *arguments: str) -> subprocess.CompletedProcess[str]:
    exports = aws.run("env").stdout.splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in exports)
    environment = {name: value for name, _, value in pairs}
    return subprocess.run(
        [sys.executable, "-m", "operate", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _answer(aws: EmbeddedAws) -> str:
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


def _stack(aws: EmbeddedAws) -> dict[str, Any]:
    stacks = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")
    stack: dict[str, Any] = stacks["Stacks"][0]
    return stack


def _served_package(aws: EmbeddedAws) -> str:
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in _stack(aws)["Parameters"]}
    return str(parameters["ModelPackageArn"])


def _approve_a_copy(aws: EmbeddedAws, environment: dict[str, str]) -> None:
    """Register the newest package's model once more, and approve it as a person would."""
    sagemaker = aws.client("sagemaker")
    released = sagemaker.describe_model_package(ModelPackageName=_served_package(aws))
    (container,) = released["InferenceSpecification"]["Containers"]
    kept = ("Image", "Environment", "ModelDataSource")
    copy = {name: container[name] for name in kept if name in container}
    copy["Environment"] = {**copy.get("Environment", {}), **environment}
    specification = {**released["InferenceSpecification"], "Containers": [copy]}
    package = sagemaker.create_model_package(
        ModelPackageGroupName=released["ModelPackageGroupName"],
        InferenceSpecification=specification,
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    before = _last_update(aws)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    _wait(lambda: _last_update(aws) != before)


def _last_update(aws: EmbeddedAws) -> object:
    return _stack(aws).get("LastUpdatedTime")


def _settled(aws: EmbeddedAws) -> str:
    _wait(lambda: not str(_stack(aws)["StackStatus"]).endswith("_IN_PROGRESS"))
    return str(_stack(aws)["StackStatus"])


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + _SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the release did not come"
        time.sleep(0.5)
