"""What the tests do to a stage, and see of it."""

import subprocess

import httpx

from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

_CDK = """
import sys
from operate.laptop.cdk_cli import only_cli
with only_cli() as cli:
    cli.cdk(*sys.argv[1:])
"""


def cdk(aws: LocalStage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the CDK CLI."""
    return aws.try_run("-c", _CDK, *arguments)


def destroy(aws: LocalStage, *stacks: str) -> None:
    """Destroy these stacks, and no other; fails the test with the output if it fails."""
    app = ("--app", str(aws.home / "cdk.out"))
    destroyed = cdk(aws, "destroy", *stacks, "--exclusively", "--force", *app)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr


def stacks(aws: LocalStage) -> dict[str, str]:
    """The stacks with their statuses."""
    found = aws.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in found}


def endpoints(aws: LocalStage) -> list[str]:
    """The names of the endpoints."""
    found = aws.client("sagemaker").list_endpoints()["Endpoints"]
    return [endpoint["EndpointName"] for endpoint in found]


def generates(deployment: Deployment) -> bool:
    """Whether the model answers over REST."""
    answer = httpx.post(
        f"{deployment.base_url}/generate",
        headers={"Authorization": f"Bearer {deployment.api_key}"},
        json={"inputs": "The sea is", "parameters": {"max_new_tokens": 3}},
        timeout=30,
    )
    return bool(answer.raise_for_status().json()["generated_text"])
