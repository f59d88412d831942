"""The pipeline's permissions: run jobs, store and register models, request a release."""

from collections.abc import Sequence

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_lambda as lambda_
import aws_cdk.aws_sqs as sqs
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.storage import EVALUATIONS, MODELS, PREPARED, TuningStorage
from sagemaker_llm.tuning.jobs.role import sagemaker_principal
from sagemaker_llm.tuning.settings import Approval

_JOBS = {"processing-job": "ProcessingJob", "training-job": "TrainingJob"}


class PipelineRole(iam.Role):
    """Role of the pipeline; its policy is inline, so nothing assumes it without permissions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        job_roles: Sequence[iam.IRole],
        storage: TuningStorage,
        registry: ModelRegistry,
        queue: sqs.IQueue,
        approval: Approval,
        function: lambda_.IFunction,
    ) -> None:
        stack = cdk.Stack.of(scope)
        jobs = {kind: _jobs_arn(stack, kind) for kind in _JOBS}
        # Conditions read the jobs' reports; the registry keeps the models' checksums.
        locations = [
            S3Prefix(storage.artifacts, prefix) for prefix in (PREPARED, EVALUATIONS, MODELS)
        ]
        statements = [
            *(_run(operation, jobs[kind]) for kind, operation in _JOBS.items()),
            _pass(job_roles),
            *_register(registry, approval),
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn]),
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function_arn]
            ),
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[location.objects for location in locations]
            ),
            locations[-1].list_statement(),
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[storage.key.key_arn]),
        ]
        super().__init__(
            scope,
            construct_id,
            assumed_by=sagemaker_principal(scope),
            inline_policies={"Pipeline": iam.PolicyDocument(statements=statements)},
        )
        for arn in jobs.values():
            acknowledge_wildcard(
                self, arn, reason="a pipeline names each job after its execution and step"
            )
        acknowledge_wildcard(
            self, registry.packages_arn, reason="a package is named by its group and version"
        )
        for location in locations:
            acknowledge_wildcard(self, location.objects, reason="jobs write all files of a prefix")


def _jobs_arn(stack: cdk.Stack, kind: str) -> str:
    return stack.format_arn(service="sagemaker", resource=kind, resource_name="pipelines-*")


def _run(operation: str, jobs_arn: str) -> iam.PolicyStatement:
    verbs = ("Create", "Describe", "Stop")
    return iam.PolicyStatement(
        actions=["sagemaker:AddTags", *(f"sagemaker:{verb}{operation}" for verb in verbs)],
        resources=[jobs_arn],
    )


def _pass(job_roles: Sequence[iam.IRole]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["iam:PassRole"],
        resources=[role.role_arn for role in job_roles],
        conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )


def _register(registry: ModelRegistry, approval: Approval) -> list[iam.PolicyStatement]:
    packages = [registry.group_arn, registry.packages_arn]
    return [
        # Where a person must approve, not even a changed definition registers anything approved.
        iam.PolicyStatement(
            actions=["sagemaker:CreateModelPackage"],
            resources=packages,
            conditions={
                "StringEquals": {
                    "sagemaker:ModelApprovalStatus": [status.value for status in approval.choices]
                }
            },
        ),
        iam.PolicyStatement(
            actions=["sagemaker:AddTags", "sagemaker:DescribeModelPackage"], resources=packages
        ),
    ]
