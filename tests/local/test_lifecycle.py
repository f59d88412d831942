"""One stage from its first deploy to its destruction, through the real CDK CLI."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.deployment import Deployment
from local.processes import free_port
from tests.local.conftest import EmbeddedAws

_CDK = """
import sys
from local.deployment import cdk
cdk(*sys.argv[1:])
"""


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[EmbeddedAws]:
    aws = EmbeddedAws(free_port(), tmp_path)
    try:
        yield aws
    finally:
        aws.run("down")


def test_a_stage_survives_a_broken_release_and_a_restart_and_leaves_nothing(
    aws: EmbeddedAws,
) -> None:
    aws.run("up")
    deployment = aws.deployment()
    assert _generates(deployment)

    again = aws.run("up")
    assert (again.stdout + again.stderr).count("(no changes)") == 3

    broken = aws.try_run(
        "-c", _CDK, "deploy", "Local/*", "--require-approval", "never",
        "--app", "python tests/local/broken_app.py",
    )  # fmt: skip
    assert broken.returncode != 0
    assert "no-such/model" in broken.stdout + broken.stderr
    serving = aws.client("cloudformation").describe_stacks(StackName="Local-Serving")["Stacks"][0]
    assert serving["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert _generates(deployment)

    aws.run("down")
    assert not _model_servers(aws.home)
    aws.start()
    assert aws.deployment() == deployment
    waiter = aws.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=deployment.sagemaker_endpoint, WaiterConfig={"Delay": 1})
    assert _generates(deployment)

    destroyed = aws.try_run(
        "-c", _CDK, "destroy", "Local/*", "--force", "--app", str(aws.home / "cdk.out")
    )
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    _assert_nothing_is_left(aws)


def _generates(deployment: Deployment) -> bool:
    answer = httpx.post(
        f"{deployment.base_url}/generate",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={"inputs": "The sea is", "parameters": {"max_new_tokens": 3}},
        timeout=30,
    )
    return bool(answer.raise_for_status().json()["generated_text"])


def _model_servers(home: Path) -> list[Path]:
    pids = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if _is_model_server_of(home, pid)]


def _is_model_server_of(home: Path, process: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
        environment = (process / "environ").read_bytes()
    except OSError:  # it has ended meanwhile
        return False
    return b"local.model_server" in command and str(home).encode() in environment


def _assert_nothing_is_left(aws: EmbeddedAws) -> None:
    stacks = aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
    assert [s["StackName"] for s in stacks["StackSummaries"]] == ["CDKToolkit"]
    sagemaker = aws.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_models()["Models"] == []
    assert aws.client("apigateway").get_rest_apis()["items"] == []
    assert aws.client("apigateway").get_api_keys()["items"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    targets = aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )
    assert targets["ScalableTargets"] == []
