"""One stage from its first deploy to its destruction, through the real CDK CLI."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import until
from operate.api.deployment import Deployment
from tests.embedded.conftest import ROOT, LocalStage
from tests.embedded.inventory import inventory

_CDK = """
import sys
from operate.laptop.cdk_cli import cdk
cdk(*sys.argv[1:])
"""


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalStage]:
    aws = LocalStage(free_port(), tmp_path)
    try:
        yield aws
    finally:
        aws.run("down")


def test_a_stage_survives_interruption_a_broken_release_and_a_restart_and_leaves_nothing(
    aws: LocalStage,
) -> None:
    _interrupt_a_deploy(aws)
    aws.run("up")
    deployment = aws.deployment()
    assert _generates(deployment)
    assert len(_endpoints(aws)) == 1

    again = aws.run("up")
    assert (again.stdout + again.stderr).count("(no changes)") == 3

    broken = aws.try_run(
        "-c", _CDK, "deploy", "Local/*", "-c", "environments=local", "--require-approval", "never",
        "--app", "python tests/lifecycle/broken_app.py",
    )  # fmt: skip
    assert broken.returncode != 0
    assert "no-such/model" in broken.stdout + broken.stderr
    assert _stacks(aws)["Local-Serving"] == "UPDATE_ROLLBACK_COMPLETE"
    assert _generates(deployment)

    (container,) = _model_servers(aws)
    aws.run("down")
    assert not container.exists()
    restarted = aws.run("up")
    assert (restarted.stdout + restarted.stderr).count("(no changes)") == 3
    assert aws.deployment() == deployment
    assert _generates(deployment)

    destroyed = aws.try_run(
        "-c", _CDK, "destroy", "Local/*", "--force", "--app", str(aws.home / "cdk.out")
    )
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    _assert_nothing_is_left(aws)


def _interrupt_a_deploy(aws: LocalStage) -> None:
    """Stop the embedded AWS, then the deploy, while the endpoint is being created."""
    with subprocess.Popen(
        [sys.executable, "-m", "operate", "up"],
        env=aws.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as deploying:
        (container,) = until(lambda: _model_servers(aws), seconds=240)
        os.kill(int(container.name), signal.SIGSTOP)  # so that its endpoint stays `Creating`
        assert deploying.poll() is None
        assert _stacks(aws)["Local-Serving"] == "CREATE_IN_PROGRESS"
        os.kill(aws.pid, signal.SIGTERM)
        os.kill(int(container.name), signal.SIGCONT)
        aws.run("down")
        os.killpg(deploying.pid, signal.SIGINT)
        assert deploying.wait() != 0
    aws.start()
    assert _stacks(aws)["Local-Serving"] == "ROLLBACK_FAILED"
    assert _endpoints(aws) == []


def _stacks(aws: LocalStage) -> dict[str, str]:
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in stacks}


def _endpoints(aws: LocalStage) -> list[str]:
    endpoints = aws.client("sagemaker").list_endpoints()["Endpoints"]
    return [endpoint["EndpointName"] for endpoint in endpoints]


def _generates(deployment: Deployment) -> bool:
    answer = httpx.post(
        f"{deployment.base_url}/generate",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={"inputs": "The sea is", "parameters": {"max_new_tokens": 3}},
        timeout=30,
    )
    return bool(answer.raise_for_status().json()["generated_text"])


def _model_servers(aws: LocalStage) -> list[Path]:
    """The processes that serve models for this embedded AWS."""
    children = [path for path in Path("/proc").iterdir() if _parent(path) == aws.pid]
    return [
        path for path in children if b"embedded_aws.model_server" in (path / "cmdline").read_bytes()
    ]


def _parent(process: Path) -> int | None:
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2]
    except OSError:  # no process, or one that has ended meanwhile
        return None
    return int(after_name.split()[1])


def _assert_nothing_is_left(aws: LocalStage) -> None:
    assert set(_stacks(aws)) == {"CDKToolkit", "Local-Bootstrap"}  # the account's, not the stage's
    left = inventory(aws)
    assert {kind: found for kind, found in left.items() if found} == {}
