"""The execution role of an endpoint: it pulls its image, reads one model's weights, reports."""

import hashlib
import json
from collections.abc import Sequence

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import S3Prefix


class EndpointRole(iam.Role):
    """Execution role: what every model needs stands inline, what one needs in its own policy.

    Another model brings another policy, and CloudFormation deletes the one before after the update:
    until then an instance of the model before can start, as a rolling update that fails wants.
    Whatever runs as the role depends on all of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ContainerImage,
        weights: S3Prefix | None,
        log_group_name: str,
        reads: Sequence[iam.PolicyStatement] = (),
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        stack = cdk.Stack.of(scope)
        log_group = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=log_group_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        statements = [
            # Unverified: how SageMaker names the metrics of an endpoint's instances; here as its
            # log groups. See CloudWatch's list.
            *_report(log_group, namespace=log_group_name.rpartition("/")[0]),
            # SageMaker watches them during an update, as the endpoint.
            iam.PolicyStatement(
                actions=["cloudwatch:DescribeAlarms"],
                resources=[alarm.alarm_arn for alarm in alarms],
            ),
        ]
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                # SageMaker must not be made to use the role on behalf of another account.
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
            inline_policies={"Endpoint": iam.PolicyDocument(statements=statements)},
        )
        of_model = [*image.pull_statements(), *_read(weights), *reads]
        iam.Policy(self, f"Model{_digest(stack, of_model)}", statements=of_model, roles=[self])
        image.acknowledge_pull(self)
        acknowledge_wildcard(
            self, "*", reason="ecr:GetAuthorizationToken and cloudwatch:PutMetricData take no other"
        )
        acknowledge_wildcard(
            self,
            f"{log_group}:*",
            reason="an instance's log stream is named after the instance, of this log group only",
        )
        if weights:
            acknowledge_wildcard(
                self, weights.objects, reason="the weights are all files of one prefix"
            )


def _digest(stack: cdk.Stack, statements: Sequence[iam.PolicyStatement]) -> str:
    written = stack.resolve([statement.to_statement_json() for statement in statements])
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:8]


def _report(log_group: str, *, namespace: str) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            # The stack makes the group, with its retention, before the endpoint.
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            # AWS asks about the group's streams, even where a call names none.
            resources=[f"{log_group}:*"],
        ),
        # Metrics are no resources: their namespace is the only bound that IAM has.
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        ),
    ]


def _read(weights: S3Prefix | None) -> list[iam.PolicyStatement]:
    if weights is None:
        return []
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[weights.objects]),
        weights.list_statement(),
    ]
