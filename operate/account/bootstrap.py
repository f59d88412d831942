"""The CDK's bootstrap, with the policies that limit an environment's deployments."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from operate.account import toolkit
from operate.cdk_cli import NO_PROFILE, run_cdk
from operate.declared import policy_files
from operate.environment import Client, Environment, accounts
from stacks.accounts import qualifier

_POLL_SECONDS = 2

Run = Callable[..., int]
Json = dict[str, Any]


def bootstrap(
    environment: Environment, run_cdk: Run = run_cdk, policies: Json | None = None
) -> None:
    """Deploy the policies, then bootstrap with them; raises SystemExit if either fails.

    They are the template that the checkout holds for the environment, or another one.
    """
    name, wanted = environment.stack_name("Bootstrap"), policies or declared(environment.name)
    tags = accounts().tags_of(environment.name, None)
    try:
        _deploy(environment.client("cloudformation"), name, json.dumps(wanted), tags)
        account = environment.client("sts").get_caller_identity()["Account"]
    except ClientError as error:
        raise SystemExit(
            f"{name} cannot be deployed: {error}\n"
            "use an administrator's credentials for the account of the environment"
        ) from error
    arns = environment.outputs("Bootstrap")["ExecutionPolicies"]
    place = f"aws://{account}/{environment.client('sts').meta.region_name}"
    command = ["bootstrap", place, "--app", "", "--no-notices"]
    command += ["--qualifier", qualifier(environment.name)]
    command += ["--toolkit-stack-name", environment.stack_name("CDKToolkit")]
    command += ["--cloudformation-execution-policies", arns]
    command += [f"--tags={key}={value}" for key, value in tags.items()]
    if environment.endpoint_url:
        command.append(NO_PROFILE)
    template = toolkit.shown(run_cdk)
    toolkit.narrow(template, environment.name.capitalize())
    with TemporaryDirectory() as folder:
        file = Path(folder, "toolkit.json")
        file.write_text(json.dumps(template))
        if run_cdk([*command, "--template", str(file)]):
            raise SystemExit("`cdk bootstrap` failed: see above")
    print(f"deployments of {environment.name} to {place} have the policies of {name}, and no more")


def declared(name: str) -> Json:
    """Return the template of an environment's policies, as the checkout holds it."""
    template: Json = json.loads(policy_files()[name].read_text())
    return template


def _deploy(cloudformation: Client, name: str, template: str, tags: Mapping[str, str]) -> None:
    """Create or update a stack, and wait for it."""
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    try:
        cloudformation.create_stack(**request)
        operation = "create"
    except cloudformation.exceptions.AlreadyExistsException:
        operation = "update"
        try:
            cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
            return
    waiter = cloudformation.get_waiter(f"stack_{operation}_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": _POLL_SECONDS})
