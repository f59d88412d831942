"""The stage `local`: its bootstrap and its deployment into the embedded AWS."""

import json
from collections.abc import Sequence

from embedded_aws.host import contents
from operate.account import bootstrap as account
from operate.declared import policy_files
from operate.environment import Environment
from operate.laptop import waiting
from operate.laptop.cdk_cli import ASSEMBLY, Cli

_NAME = "local"
STAGE = _NAME.capitalize()


def bootstrap(cli: Cli, local: Environment) -> None:
    """Bootstrap the embedded account with its stage's policies, unless that is done.

    The verb is the one for AWS, so the same policies limit deployments here.
    """
    waiting.until_settled(contents.stacks)
    if not _is_bootstrapped():
        account.bootstrap(local, cli.try_cdk)


def _is_bootstrapped() -> bool:
    policies, found = f"{STAGE}-Bootstrap", dict(contents.stacks())
    complete = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    if any(found.get(name) not in complete for name in (policies, f"{STAGE}-CDKToolkit")):
        return False
    deployed = contents.client("cloudformation").get_template(StackName=policies)["TemplateBody"]
    return bool(deployed == json.loads(policy_files()[_NAME].read_text()))


SYNTHESIZED = ("--app", str(ASSEMBLY), "--build", "")


def deploy(cli: Cli, local: Environment, app: Sequence[str] = SYNTHESIZED) -> None:
    """Deploy an app once nothing changes the stage, as an interrupted deploy may."""
    waiting.until_settled(contents.stacks)
    waiting.until_settled(contents.endpoints)  # After a restart their containers start again.
    _finish_deletions()
    how = ("--require-approval", "never", "--method", "direct", "--concurrency", "2")
    cli.cdk("deploy", f"{STAGE}/*", *app, *how)
    check_endpoint(local.outputs("Serving")["EndpointName"])


def _finish_deletions() -> None:
    """Finish interrupted deletions of stacks, which take no update."""
    for name, status in contents.stacks():
        if status == "DELETE_FAILED":
            print(f"deleting {name}, whose deletion was interrupted", flush=True)
            contents.client("cloudformation").delete_stack(StackName=name)
    waiting.until_settled(contents.stacks)


def check_endpoint(name: str) -> None:
    """Raise SystemExit unless the endpoint is in service."""
    found = contents.client("sagemaker").describe_endpoint(EndpointName=name)
    if found["EndpointStatus"] != "InService":
        raise SystemExit(
            f"the endpoint {name} is {found['EndpointStatus']}: "
            f"{found.get('FailureReason', 'no reason was given')}; "
            "`make logs` shows more, `make down` and `make up` start it again"
        )
