"""What an environment's deployments are held to, and the CDK's bootstrap with it."""

import json
import subprocess
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from operate.stacks import client, outputs, stack_name

_TEMPLATES = Path(__file__).parent.parent / "bootstrap"
_POLL_SECONDS = 2


def bootstrap(environment: str) -> None:
    """Deploy the policies, then bootstrap with them; raises SystemExit when either fails."""
    templates = {file.stem: file for file in sorted(_TEMPLATES.glob("*.json"))}
    if environment not in templates:
        raise SystemExit(f"ENV must be one of {', '.join(templates)}, got {environment!r}")
    name = stack_name(environment, "Bootstrap")
    try:
        _deploy(name, json.dumps(json.loads(templates[environment].read_text())))
        account = client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(
            f"{name} cannot be deployed: {error}\n"
            "use an administrator's credentials and the region (AWS_REGION) of the environment"
        ) from error
    policies = outputs(environment, "Bootstrap")["ExecutionPolicies"]
    place = f"aws://{account}/{client('sts').meta.region_name}"
    command = ["cdk", "bootstrap", place, "--app", "", "--no-notices"]
    command += ["--cloudformation-execution-policies", policies]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - the pinned CLI
        raise SystemExit("`cdk bootstrap` failed: see above")
    print(f"deployments of {environment} to {place} have the policies of {name}, and no more")


def _deploy(name: str, template: str) -> None:
    """Create or update a stack, and wait for it."""
    cloudformation = client("cloudformation")
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
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
