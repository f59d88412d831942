"""Who asks and where, and how the account is bootstrapped."""

import json
from pathlib import Path

from operate.account.toolkit import POLICY, is_wide
from operate.environment import Client, Outputs, find_stack
from operate.preflight.plan import Plan
from operate.preflight.row import Row, Verdict, judged
from stacks.accounts import bootstrap_role, qualifier

# Templates of the CDK refuse an older one (their rule `CheckBootstrapVersion`).
BOOTSTRAP_VERSION = 6


def place(plan: Plan) -> Row:
    """Tell whether the credentials and the region are those that the environment is meant for."""
    found = f"account {plan.account} in {plan.region}"
    prefix = plan.stage.upper()
    if plan.configured == (None, None):
        todo = (
            f"write account and region into accounts.toml, or export {prefix}_ACCOUNT and"
            f" {prefix}_REGION: it deploys to whichever is given"
        )
        return Row("credentials", Verdict.UNKNOWN, f"{found}; none is configured", todo)
    configured = "account {} in {}".format(*plan.configured)
    return judged(
        "credentials",
        found,
        holds=plan.configured == (plan.account, plan.region),
        todo=f"{plan.stage} is configured for {configured}: set AWS_PROFILE to it",
    )


def bootstrap_version(ssm: Client, plan: Plan) -> Row:
    """Tell whether the CDK's bootstrap is there, and new enough."""
    bootstrap = f"make bootstrap ENV={plan.stage.lower()}, as an administrator"
    try:
        name = f"/cdk-bootstrap/{qualifier(plan.stage.lower())}/version"
        parameter = ssm.get_parameter(Name=name)["Parameter"]
    except ssm.exceptions.ParameterNotFound:
        return Row("CDK bootstrap", Verdict.FAIL, "not bootstrapped", bootstrap)
    version = int(parameter["Value"])
    found = f"version {version}, {BOOTSTRAP_VERSION} is needed"
    return judged("CDK bootstrap", found, holds=version >= BOOTSTRAP_VERSION, todo=bootstrap)


def bootstrap_policies(cloudformation: Client, iam: Client, plan: Plan, policies: Path) -> Row:
    """Tell whether deployments have the environment's policies as they are now, and no others."""
    subject, stack = "bootstrap policies", f"{plan.stage}-Bootstrap"
    bootstrap = f"make bootstrap ENV={plan.stage.lower()}, as an administrator"
    if (described := find_stack(cloudformation, stack)) is None:
        return Row(subject, Verdict.FAIL, f"no stack {stack}", bootstrap)
    deployed = cloudformation.get_template(StackName=stack)["TemplateBody"]
    if isinstance(deployed, str):
        deployed = json.loads(deployed)
    if deployed != json.loads(policies.read_text()):
        return Row(
            subject, Verdict.FAIL, f"{stack} differs from bootstrap/{policies.name}", bootstrap
        )
    wanted = set(Outputs(described)["ExecutionPolicies"].split(","))
    role = bootstrap_role(plan.stage.lower(), "cfn-exec", plan.account, plan.region)
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    attached = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    if attached == wanted:
        deployer = bootstrap_role(plan.stage.lower(), "deploy", plan.account, plan.region)
        found = iam.get_role_policy(RoleName=deployer, PolicyName=POLICY)["PolicyDocument"]
        if is_wide(found):
            wide = "the role that deploys may write every stack of the account"
            return Row(subject, Verdict.FAIL, wide, bootstrap)
        return Row(subject, Verdict.OK, f"as {policies.name} says")
    verb = "have" if attached - wanted else "lack"
    names = sorted(arn.rpartition("/")[2] for arn in attached - wanted or wanted - attached)
    return Row(subject, Verdict.FAIL, f"deployments {verb} {', '.join(names)}", bootstrap)
