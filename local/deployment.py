"""The deployed project as its users find it: through CloudFormation's outputs."""

import json
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import home

STAGE = "Local"
_CDK = home.ROOT / "node_modules" / ".bin" / "cdk"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a client needs to call the deployed stage."""

    base_url: str
    api_key: str
    model: str
    sagemaker_endpoint: str
    aws_endpoint_url: str
    region: str

    def as_json(self) -> str:
        """One JSON object, for scripts."""
        return json.dumps(asdict(self), indent=2)


@cache
def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """A boto3 client of the embedded AWS."""
    return boto3.client(
        service,
        endpoint_url=home.ENDPOINT_URL,
        region_name=home.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - any secret opens the embedded AWS
    )


def cdk(*arguments: str) -> None:
    """Run the CDK CLI against the embedded AWS; raises SystemExit when it fails."""
    if not _CDK.exists():
        raise SystemExit("the CDK CLI is missing: run `make setup`")
    command = [str(_CDK), *arguments, "--no-notices", "--output", str(home.HOME / "cdk.out")]
    ended = subprocess.run(  # noqa: S603 - the CLI that the project pins
        command, env=home.client_environment(), cwd=home.ROOT, check=False
    )
    if ended.returncode:
        raise SystemExit(f"`cdk {arguments[0]}` failed: see above; `make logs` shows more")


def bootstrap() -> None:
    """Bootstrap the embedded account, once."""
    if stack_status("CDKToolkit") is None:
        account = client("sts").get_caller_identity()["Account"]
        cdk("bootstrap", f"aws://{account}/{home.REGION}", "--app", "")


def deploy() -> None:
    """Deploy the stage: CloudFormation ends it when the endpoint is in service."""
    cdk("deploy", f"{STAGE}/*", "--require-approval", "never", "--method", "direct")


def stack_status(name: str) -> str | None:
    """The stack's status, or None when there is no such stack."""
    try:
        stacks = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return None
    return str(stacks[0]["StackStatus"])


def describe() -> Deployment:
    """The deployed stage; raises SystemExit when it is not deployed."""
    api, serving = _outputs(f"{STAGE}-Api"), _outputs(f"{STAGE}-Serving")
    key_id = next(api[name] for name in sorted(api) if name.startswith("ApiKeyId"))
    key = client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
    # The embedded gateway routes by path; the URL in the output is what AWS would serve.
    stage = api["ApiUrl"].rpartition("/")[2]
    return Deployment(
        base_url=f"{home.ENDPOINT_URL}/_aws/execute-api/{api['RestApiId']}/{stage}",
        api_key=key["value"],
        model=api["ModelId"],
        sagemaker_endpoint=serving["EndpointName"],
        aws_endpoint_url=home.ENDPOINT_URL,
        region=home.REGION,
    )


def _outputs(stack: str) -> dict[str, str]:
    try:
        found = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise SystemExit(f"{stack} is not deployed: run `make up`") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
