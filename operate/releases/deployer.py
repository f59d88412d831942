"""CloudFormation as whoever deploys: the roles of the bootstrap."""

from botocore.exceptions import ClientError

from operate.environment import Client, Environment, assumed_client
from stacks.accounts import bootstrap_role


def deployer(environment: Environment) -> tuple[Client, str]:
    """Return the client and the role that the CDK CLI deploys with."""
    sts = environment.client("sts")
    caller, region = sts.get_caller_identity(), sts.meta.region_name
    _, partition, *_ = caller["Arn"].split(":")

    def role(kind: str) -> str:
        name = bootstrap_role(environment.name, kind, caller["Account"], region)
        return f"arn:{partition}:iam::{caller['Account']}:role/{name}"

    try:
        given = sts.assume_role(RoleArn=role("deploy"), RoleSessionName="operate")["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise SystemExit(
            f"{error}\n`make bootstrap ENV={environment.name}`, as an administrator, makes the role"
            " that deploys, in the account of these credentials"
        ) from error
    return assumed_client("cloudformation", region, given), role("cfn-exec")
