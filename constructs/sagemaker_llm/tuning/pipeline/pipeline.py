"""The pipeline that fine-tunes, evaluates, registers and releases a model."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.container_image import ContainerImage
from sagemaker_llm.common.names import lower_prefix
from sagemaker_llm.common.packaged_function import PackagedFunction
from sagemaker_llm.release.registry import ModelRegistry
from sagemaker_llm.release.release import ModelRelease
from sagemaker_llm.release.storage import TuningStorage
from sagemaker_llm.release.store import ModelStore
from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.serving.weights_bucket import tuned_weights
from sagemaker_llm.tuning.jobs.code import JobCode
from sagemaker_llm.tuning.jobs.roles import TuningRoles
from sagemaker_llm.tuning.settings import TuningSettings

from .parts import PipelineParts
from .role import PipelineRole


class TuningPipeline(Construct):
    """Owns the pipeline, its role, its jobs' roles and their code."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: TuningSettings,
        endpoint: LlmEndpoint,
        storage: TuningStorage,
        registry: ModelRegistry,
        release: ModelRelease,
        store: ModelStore,
        name_prefix: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        settings.check_model(endpoint.model, endpoint.instance_type)
        base_weights = tuned_weights(self, endpoint.model, endpoint.base_weights)
        stack = cdk.Stack.of(self)
        image = ContainerImage(self, "Image", image=settings.image)
        code = JobCode(self, "Code")
        roles = TuningRoles(
            self,
            "Roles",
            image=image,
            code=code,
            storage=storage,
            base_weights=base_weights,
        )
        role = PipelineRole(
            self,
            "Role",
            job_roles=[roles.prepare, roles.fine_tune, roles.evaluate],
            storage=storage,
            registry=registry,
            queue=release.queue,
            approval=settings.approval,
            function=store.function.lambda_function,
        )
        parts = PipelineParts(
            settings=settings,
            endpoint=endpoint,
            storage=storage,
            registry=registry,
            release=release,
            store=store,
            image=image,
            serving_image=release.serving_image,
            code=code,
            roles=roles,
            base_weights=base_weights,
        )
        # CloudFormation generates no name here; SageMaker takes 256 characters.
        self.pipeline_name = f"{lower_prefix(self, name_prefix, max_length=100)}-fine-tune"
        pipeline = sagemaker_cfn.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=self.pipeline_name,
            pipeline_description="Fine-tunes a model, compares it with its base, releases it",
            role_arn=role.role_arn,
            pipeline_definition={
                "PipelineDefinitionBody": stack.to_json_string(parts.definition())
            },
        )
        pipeline.node.add_dependency(registry)
        self.pipeline_arn = stack.format_arn(
            service="sagemaker", resource="pipeline", resource_name=self.pipeline_name
        )
        self.executions_arn = f"{self.pipeline_arn}/execution/*"

    def grant_answer(self, function: PackagedFunction) -> None:
        """Allow ending the callback steps of this pipeline's executions."""
        function.allow(
            iam.PolicyStatement(
                actions=[
                    "sagemaker:DescribePipelineExecution",
                    "sagemaker:SendPipelineExecutionStepFailure",
                    "sagemaker:SendPipelineExecutionStepSuccess",
                ],
                resources=[self.executions_arn],
            )
        )
        acknowledge_wildcard(
            function.role, self.executions_arn, reason="an execution's id is random"
        )
