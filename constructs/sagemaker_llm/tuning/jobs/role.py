"""The execution role of a job: it pulls its image, reads code and inputs, writes outputs, logs."""

from collections.abc import Sequence

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.s3_prefix import S3Prefix

from .code import JobCode

# Unverified: what SageMaker calls the metrics of jobs; see CloudWatch's namespaces.
_METRIC_NAMESPACES = ["/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs"]


class JobRole(iam.Role):
    """Execution role of one step's jobs; its policy is inline, so it is never without it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        step: str,
        log_group: str,
        image: ContainerImage,
        code: JobCode,
        key: kms.IKey,
        reads: Sequence[S3Prefix],
        writes: Sequence[S3Prefix],
        deletes: Sequence[S3Prefix] = (),
    ) -> None:
        group, streams = _log_arns(scope, log_group, step)
        statements = [
            *image.pull_statements(),
            *code.read_statements(),
            *_logs(group, streams),
            *_transfers(reads, writes, deletes),
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
                resources=[key.key_arn],
            ),
        ]
        super().__init__(
            scope,
            construct_id,
            assumed_by=sagemaker_principal(scope),
            inline_policies={"Job": iam.PolicyDocument(statements=statements)},
        )
        image.acknowledge_pull(self)
        acknowledge_wildcard(
            self, "*", reason="ecr:GetAuthorizationToken and cloudwatch:PutMetricData take no other"
        )
        acknowledge_wildcard(
            self, streams, reason="a pipeline names each job after its execution and step"
        )
        acknowledge_wildcard(
            self, f"{group}:*", reason="AWS asks about the streams of a group that is created"
        )
        for arn in dict.fromkeys(location.objects for location in (*reads, *writes)):
            acknowledge_wildcard(self, arn, reason="inputs and outputs are all files of a prefix")


def sagemaker_principal(scope: Construct) -> iam.IPrincipal:
    """Return SageMaker, acting for this account and no other."""
    account = cdk.Stack.of(scope).account
    return iam.ServicePrincipal(
        "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}}
    )


def _log_arns(scope: Construct, log_group: str, step: str) -> tuple[str, str]:
    group = cdk.Stack.of(scope).format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"/aws/sagemaker/{log_group}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return group, f"{group}:log-stream:pipelines-*-{step}-*"


def _logs(group: str, streams: str) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:DescribeLogStreams"],
            # AWS asks about the group's streams, even where a call names none.
            resources=[f"{group}:*"],
        ),
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[streams]
        ),
        # Metrics are no resources: their namespace is the only bound that IAM has.
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": _METRIC_NAMESPACES}},
        ),
    ]


def _transfers(
    reads: Sequence[S3Prefix], writes: Sequence[S3Prefix], deletes: Sequence[S3Prefix]
) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[p.objects for p in reads]),
        *(location.list_statement() for location in reads),
        iam.PolicyStatement(
            # An upload that is not ended is deleted by the bucket's lifecycle, a week later.
            actions=["s3:PutObject"],
            resources=[p.objects for p in writes],
        ),
        *(
            iam.PolicyStatement(actions=["s3:DeleteObject"], resources=[location.objects])
            for location in deletes
        ),
    ]
