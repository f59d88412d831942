"""What the account's projects share: a service's role, API Gateway's logging role."""

from operate.environment import Client
from operate.preflight.plan import Plan
from operate.preflight.row import Row, Verdict

_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


def scaling_role(iam: Client) -> Row:
    """Tell whether scaling has its service-linked role, which the first deployment creates.

    The policies of the bootstrap, which have a row of their own, allow that.
    """
    subject, prefix = "scaling role", f"/aws-service-role/{_SCALING_SERVICE}/"
    if roles := iam.list_roles(PathPrefix=prefix)["Roles"]:
        return Row(subject, Verdict.OK, roles[0]["RoleName"])
    todo = f"or before: aws iam create-service-linked-role --aws-service-name {_SCALING_SERVICE}"
    return Row(subject, Verdict.OK, "not there yet, the deployment creates it", todo)


def gateway_role(apigateway: Client, iam: Client, plan: Plan) -> Row:
    """Tell whose role API Gateway logs with: one for the whole account and region."""
    subject, own = "API Gateway's logging role", f"{plan.stage}-Api-"
    arn = apigateway.get_account().get("cloudwatchRoleArn")
    if not arn:
        return Row(subject, Verdict.OK, f"not set yet, the stack {plan.stage}-Api sets it")
    name = arn.rpartition("/")[2]
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        todo = (
            f"aws apigateway update-account --patch-operations op=remove,path=/cloudwatchRoleArn,"
            f" then deploy {plan.stage}-Api"
        )
        return Row(subject, Verdict.FAIL, f"{name} does not exist any more", todo)
    if name.startswith(own):
        return Row(subject, Verdict.OK, name)
    todo = f"tell its owner: {plan.stage}-Api replaces it by a role that may log for all APIs too"
    return Row(subject, Verdict.OK, f"{name}, of another project", todo)
