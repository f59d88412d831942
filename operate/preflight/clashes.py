"""What is in the way: stacks in a state that takes no deployment, names that others have taken."""

from collections.abc import Iterator

from operate.environment import Client, stack_status
from operate.preflight.plan import Plan
from operate.preflight.row import Row, Verdict, judged

# The states that a deployment starts from. CDK replaces a stack that is in REVIEW_IN_PROGRESS.
_DEPLOYABLE = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"),
}


def stack_rows(cloudformation: Client, plan: Plan) -> Iterator[Row]:
    """Yield a row for each stack of the environment."""
    return (stack_row(cloudformation, name, plan.stage.lower()) for name in plan.stacks)


def stack_row(cloudformation: Client, name: str, environment: str) -> Row:
    """Tell whether a stack can be deployed as it is."""
    subject, status = f"stack {name}", stack_status(cloudformation, name)
    if status is None:
        return Row(subject, Verdict.OK, "not deployed yet")
    return judged(
        subject, status, holds=status in _DEPLOYABLE, todo=_way_out(name, status, environment)
    )


def _way_out(name: str, status: str, environment: str) -> str:
    if status.endswith("_IN_PROGRESS"):
        return "wait until it ends"
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"make repair ENV={environment}"
    if status == "UPDATE_FAILED":
        return f"aws cloudformation rollback-stack --stack-name {name}"
    return f"aws cloudformation delete-stack --stack-name {name}: it can no longer be updated"


def pipeline_name(sagemaker: Client, cloudformation: Client, plan: Plan) -> Row:
    """Tell whether the pipeline's name is free, or the environment's own pipeline has it."""
    if plan.pipeline is None:
        return Row("pipeline", Verdict.OK, "none: the environment fine-tunes nothing")
    subject, stack = f"pipeline {plan.pipeline}", f"{plan.stage}-Training"
    try:
        sagemaker.describe_pipeline(PipelineName=plan.pipeline)
    except sagemaker.exceptions.ResourceNotFound:
        return Row(subject, Verdict.OK, "the name is free")
    return judged(
        subject,
        f"of {stack}" if (own := _is_deployed(cloudformation, stack)) else "the name is taken",
        holds=own,
        todo=f"aws sagemaker delete-pipeline --pipeline-name {plan.pipeline}, if nobody needs it",
    )


def boundary_name(iam: Client, cloudformation: Client, plan: Plan) -> Row:
    """Tell whether the boundary's name is free, or the environment's own bootstrap has it."""
    name, stack = f"{plan.stage}Boundary", f"{plan.stage}-Bootstrap"
    arn = f"arn:aws:iam::{plan.account}:policy/{name}"
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        return Row(f"policy {name}", Verdict.OK, "the name is free")
    own = _is_deployed(cloudformation, stack)
    return judged(
        f"policy {name}",
        f"of {stack}" if own else "the name is taken, by a policy of no stack in this region",
        holds=own,
        todo="all regions of an account share IAM's names: deploy each environment to one region",
    )


def _is_deployed(cloudformation: Client, stack: str) -> bool:
    return stack_status(cloudformation, stack) not in (None, "REVIEW_IN_PROGRESS")
