"""The fine-tuning stack: the stateful part, which holds data and models."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import (
    Duties,
    LlmEndpoint,
    ModelRegistry,
    ModelRelease,
    ModelStore,
    ServedModels,
    TuningPipeline,
    TuningStorage,
)

from .environments import Environment


class TrainingStack(cdk.Stack):
    """Fine-tunes the environment's model and releases it to the serving stack.

    It comes after the serving stack, which knows nothing of it: a release is an update of that
    stack's parameter, and the policy that lets its endpoint read models lies here.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        endpoint: LlmEndpoint,
    ) -> None:
        super().__init__(scope, construct_id, description="Fine-tuning, registry and release")
        removal_policy = environment.log_keeping.removal_policy
        storage = TuningStorage(self, "Storage", removal_policy=removal_policy)
        registry = ModelRegistry(
            self, "Registry", model_id=environment.model.model_id, removal_policy=removal_policy
        )
        ServedModels(self, "ServedModels", endpoint=endpoint, storage=storage)
        release = ModelRelease(
            self,
            "Release",
            endpoint=endpoint,
            registry=registry,
            storage=storage,
            target=environment.function_target,
            log_keeping=environment.log_keeping,
            reserves_concurrency=environment.reserves_concurrency,
        )
        store = ModelStore(
            self,
            "Store",
            storage=storage,
            target=environment.function_target,
            log_keeping=environment.log_keeping,
        )
        pipeline = TuningPipeline(
            self,
            "FineTuning",
            settings=environment.tuning,
            endpoint=endpoint,
            storage=storage,
            registry=registry,
            release=release,
            store=store,
        )
        pipeline.grant_answer(release.function)
        duties = Duties(self, "Duties", pipeline=pipeline, storage=storage, registry=registry)
        cdk.CfnOutput(self, "TunerPolicyArn", value=duties.tuner.managed_policy_arn)
        cdk.CfnOutput(self, "ApproverPolicyArn", value=duties.approver.managed_policy_arn)
        cdk.CfnOutput(self, "ReleaseRoleArn", value=release.service_role.role_arn)
        image = environment.tuning.image
        cdk.CfnOutput(self, "TrainingImageTag", value=f"{image.repository}:{image.tag}")
        cdk.CfnOutput(self, "PipelineName", value=pipeline.pipeline_name)
        cdk.CfnOutput(self, "ModelPackageGroupName", value=registry.group_name)
        cdk.CfnOutput(self, "DataBucketName", value=storage.data.bucket_name)
        cdk.CfnOutput(self, "ArtifactBucketName", value=storage.artifacts.bucket_name)
