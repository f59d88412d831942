"""What the tests do to a stage, and see of it."""

import subprocess
from pathlib import Path

import httpx

from operate.api.deployment import Deployment
from tests.embedded.conftest import LocalStage

_CDK = """
import sys
from operate.laptop.cdk_cli import only_cli
with only_cli() as cli:
    cli.cdk(*sys.argv[1:])
"""

# What `make golden` and `make bootstrap` do for a checkout that declares something else.
_BOOTSTRAP = """
import json, os, subprocess, sys
from pathlib import Path
from bootstrap.stage import Stage
from bootstrap.template import template
from operate.laptop import stage
from operate.laptop.account import local_environment
from operate.laptop.cdk_cli import only_cli

folder, *app = sys.argv[1:]
context = json.dumps({"environments": "local"})
told = {"CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": context}
subprocess.run([sys.executable, *app], env={**os.environ, **told}, check=True)
found = Path(folder, "assembly-Local").glob("*.template.json")
stacks = {f"Local-{name}": path for path in found for name in ("Serving", "Api", "Training")
          if name in path.name}
read = {name: json.loads(path.read_text()) for name, path in stacks.items()}
with only_cli() as cli:
    stage.bootstrap(cli, local_environment(), template(Stage("Local", read)))
"""


def bootstrap(aws: LocalStage, folder: Path, *app: str) -> None:
    """Synthesize an app into a folder, and allow deployments what it needs."""
    done = aws.try_run("-c", _BOOTSTRAP, str(folder), *app)
    assert done.returncode == 0, done.stdout + done.stderr


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
        timeout=120,
    )
    return bool(answer.raise_for_status().json()["generated_text"])
