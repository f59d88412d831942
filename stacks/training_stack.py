"""The fine-tuning stack: the stateful part, which holds data and models."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import FineTuning, PublishedEndpoint, TuningSettings

from .environment import Environment


class TrainingStack(cdk.Stack):
    """Fine-tunes the environment's model and releases it to the serving stack.

    It comes after the serving stack, which knows nothing of it: a release is an update of that
    stack's parameter, and the policies of the models' bucket let its endpoint read them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        settings: TuningSettings,
        published: PublishedEndpoint,
    ) -> None:
        super().__init__(scope, construct_id, description="Fine-tuning, registry and release")
        tuning = FineTuning(
            self,
            "Default",  # the stack holds nothing else: its name stands in no logical id
            endpoint=published.for_releases(self),
            data_removal_policy=environment.data_removal_policy,
            settings=settings,
            target=environment.function_target,
            log_keeping=environment.log_keeping,
            reserves_concurrency=environment.reserves_concurrency,
            name_prefix=self.stack_name.lower(),
        )
        image = settings.image
        for name, value in {
            "TunerPolicyArn": tuning.duties.tuner.managed_policy_arn,
            "ApproverPolicyArn": tuning.duties.approver.managed_policy_arn,
            "ReleaseRoleArn": tuning.release.service_role.role_arn,
            "TrainingImageTag": f"{image.repository}:{image.tag}",
            "PipelineName": tuning.pipeline.pipeline_name,
            "ModelPackageGroupName": tuning.registry.group_name,
            "DataBucketName": tuning.storage.data.bucket_name,
            "ArtifactBucketName": tuning.storage.artifacts.bucket_name,
        }.items():
            cdk.CfnOutput(self, name, value=value)
