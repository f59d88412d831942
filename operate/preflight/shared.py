"""What the account's projects share: a service's role, API Gateway's role for logs."""

from operate.environment import Client
from operate.preflight.plan import Plan
from operate.preflight.row import Row, Verdict, judged

_SCALING_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
_SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


def scaling_role(iam: Client, plan: Plan) -> Row:
    """Tell whether scaling has its service-linked role, or the deployment may create it."""
    subject = "role of scaling"
    try:
        iam.get_role(RoleName=_SCALING_ROLE)
    except iam.exceptions.NoSuchEntityException:
        pass
    else:
        return Row(subject, Verdict.OK, _SCALING_ROLE)
    deployer = (
        f"arn:aws:iam::{plan.account}:role/cdk-hnb659fds-cfn-exec-role-{plan.account}-{plan.region}"
    )
    try:
        (result,) = iam.simulate_principal_policy(
            PolicySourceArn=deployer,
            ActionNames=["iam:CreateServiceLinkedRole"],
            ResourceArns=[
                f"arn:aws:iam::{plan.account}:role/aws-service-role/{_SCALING_SERVICE}/{_SCALING_ROLE}"
            ],
            ContextEntries=[
                {
                    "ContextKeyName": "iam:AWSServiceName",
                    "ContextKeyType": "string",
                    "ContextKeyValues": [_SCALING_SERVICE],
                }
            ],
        )["EvaluationResults"]
        may_create = result["EvalDecision"] == "allowed"
    except iam.exceptions.NoSuchEntityException:  # The account is not bootstrapped.
        may_create = False
    return judged(
        subject,
        "not there, the deployment creates it" if may_create else f"no {_SCALING_ROLE}",
        holds=may_create,
        todo=f"aws iam create-service-linked-role --aws-service-name {_SCALING_SERVICE}",
    )


def gateway_role(apigateway: Client, iam: Client, plan: Plan) -> Row:
    """Tell whose role API Gateway logs with: one for the whole account and region."""
    subject, own = "API Gateway's role for logs", f"{plan.stage}-Api-"
    arn = apigateway.get_account().get("cloudwatchRoleArn")
    if not arn:
        return Row(subject, Verdict.OK, f"none yet, the stack {plan.stage}-Api sets it")
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
    todo = f"tell its owner: {plan.stage}-Api sets its own, which may log for all APIs as well"
    return Row(subject, Verdict.OK, f"{name}, another project's", todo)
