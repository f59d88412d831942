"""Tuner and approver: two policies that no one person can use together."""

from collections.abc import Sequence

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.storage import DATA, EVALUATIONS, TuningStorage
from sagemaker_llm.tuning.pipeline.pipeline import TuningPipeline

# The provenance and the history of a package, which its approver must not change.
_RECORDED = (
    "approval_at_registration",
    "default_min_loss_reduction",
    "default_min_retrieval_change",
    "gate_lowered",
    "inventory",
    "inventory_sha256",
    "min_loss_reduction",
    "min_retrieval_change",
    "pipeline_execution",
    "rolled_back_at",
    "served_at",
)


class Duties(Construct):
    """Owns the tuner's policy and the approver's; each denies what the other allows.

    Attach one to a person's role. Who has both can neither start an execution nor approve a model.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: TuningPipeline,
        storage: TuningStorage,
        registry: ModelRegistry,
    ) -> None:
        super().__init__(scope, construct_id)
        reports = S3Prefix(storage.artifacts, EVALUATIONS)
        shared = [*_reads(reports, storage), *_packages(registry), _outputs(self)]
        executions = pipeline.executions_arn
        data = S3Prefix(storage.data, DATA)
        self.tuner = iam.ManagedPolicy(
            self,
            "Tuner",
            description="Uploads data, runs the fine-tuning pipeline, reads its reports",
            statements=[
                *shared,
                *_upload(data, storage),
                *_run(pipeline),
                *_watch(self),
                _deny([*_REGISTER, *_APPROVE], [registry.group_arn, registry.packages_arn]),
            ],
        )
        self.approver = iam.ManagedPolicy(
            self,
            "Approver",
            description="Approves or rejects the models that the pipeline registered",
            statements=[
                *shared,
                iam.PolicyStatement(
                    actions=["sagemaker:DescribePipelineExecution"], resources=[executions]
                ),
                _approve(registry),
                _deny([*_START, *_CHANGE], [pipeline.pipeline_arn, executions]),
                _deny(_REGISTER, [registry.group_arn, registry.packages_arn]),
                _deny(_WRITE, [storage.data.arn_for_objects("*")]),
            ],
        )
        self._acknowledge(registry, pipeline, [reports, data])

    def _acknowledge(
        self,
        registry: ModelRegistry,
        pipeline: TuningPipeline,
        locations: Sequence[S3Prefix],
    ) -> None:
        reports, data = locations
        reasons = {
            registry.packages_arn: "a package is named by its group and version",
            pipeline.executions_arn: "an execution's id is random",
            reports.objects: "reports are all files of a prefix",
            _stack_arn(self): "a stack's id ends with a random part",
        }
        for policy in (self.tuner, self.approver):
            for arn, reason in reasons.items():
                acknowledge_wildcard(policy, arn, reason=reason)
        acknowledge_wildcard(self.tuner, data.objects, reason="data are all files of a prefix")
        for arn in _job_arns(self):
            acknowledge_wildcard(
                self.tuner, arn, reason="a pipeline names each job after its execution and step"
            )
        for arn in _log_arns(self):
            acknowledge_wildcard(self.tuner, arn, reason="SageMaker logs all jobs to these groups")


_START = ("sagemaker:RetryPipelineExecution", "sagemaker:StartPipelineExecution")
_CHANGE = ("sagemaker:UpdatePipeline", "sagemaker:UpdatePipelineVersion")
_REGISTER = ("sagemaker:CreateModelPackage",)
_APPROVE = ("sagemaker:UpdateModelPackage",)
_WRITE = ("s3:PutObject",)


def _reads(reports: S3Prefix, storage: TuningStorage) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[reports.objects]),
        reports.list_statement(),
        iam.PolicyStatement(actions=["kms:Decrypt"], resources=[storage.key.key_arn]),
    ]


def _packages(registry: ModelRegistry) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            resources=[registry.packages_arn],
        )
    ]


def _outputs(scope: Construct) -> iam.PolicyStatement:
    """Let the verbs find this stack's pipeline, registry and buckets."""
    return iam.PolicyStatement(
        actions=["cloudformation:DescribeStacks"], resources=[_stack_arn(scope)]
    )


def _stack_arn(scope: Construct) -> str:
    stack = cdk.Stack.of(scope)
    return stack.format_arn(
        service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*"
    )


def _upload(data: S3Prefix, storage: TuningStorage) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["s3:AbortMultipartUpload", "s3:PutObject"], resources=[data.objects]
        ),
        data.list_statement(),
        iam.PolicyStatement(actions=["kms:GenerateDataKey"], resources=[storage.key.key_arn]),
    ]


def _run(pipeline: TuningPipeline) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=[
                "sagemaker:DescribePipeline",
                "sagemaker:ListPipelineExecutions",
                "sagemaker:StartPipelineExecution",
            ],
            resources=[pipeline.pipeline_arn],
        ),
        iam.PolicyStatement(
            actions=[
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:StopPipelineExecution",
            ],
            resources=[pipeline.executions_arn],
        ),
    ]


def _watch(scope: Construct) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["sagemaker:DescribeProcessingJob", "sagemaker:DescribeTrainingJob"],
            resources=_job_arns(scope),
        ),
        iam.PolicyStatement(
            actions=["logs:FilterLogEvents", "logs:GetLogEvents"], resources=_log_arns(scope)
        ),
    ]


def _job_arns(scope: Construct) -> list[str]:
    return [
        cdk.Stack.of(scope).format_arn(
            service="sagemaker", resource=kind, resource_name="pipelines-*"
        )
        for kind in ("processing-job", "training-job")
    ]


def _log_arns(scope: Construct) -> list[str]:
    return [
        cdk.Stack.of(scope).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/sagemaker/{kind}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for kind in ("ProcessingJobs", "TrainingJobs")
    ]


def _approve(registry: ModelRegistry) -> iam.PolicyStatement:
    recorded = [f"CustomerMetadataProperties/{name}" for name in _RECORDED]
    kept = ["CustomerMetadataPropertiesToRemove", *recorded]
    return iam.PolicyStatement(
        actions=list(_APPROVE),
        resources=[registry.packages_arn],
        conditions={
            "StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]},
            "Null": {f"sagemaker:{key}": "true" for key in kept},
        },
    )


def _deny(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY, actions=list(actions), resources=list(resources)
    )
