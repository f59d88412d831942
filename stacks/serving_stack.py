"""The endpoint's stack: the expensive one, which changes with the model."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import LlmEndpoint, PublishedEndpoint, WeightsBucket

from .environment import Environment


class ServingStack(cdk.Stack):
    """Serves the environment's model on a SageMaker endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        weights_bucket: WeightsBucket | None,
    ) -> None:
        super().__init__(scope, construct_id, description="The model's endpoint")
        endpoint = LlmEndpoint(
            self,
            "Llm",
            model=environment.model,
            instance_type=environment.instance_type,
            scaling=environment.scaling,
            updates=environment.updates,
            log_keeping=environment.log_keeping,
            image=environment.image,
            weights_bucket=weights_bucket,
        )
        # Operators set the parameters by these names: they are an external contract.
        endpoint.released.parameter.override_logical_id("ModelPackageArn")
        endpoint.released.is_base.override_logical_id("ServesBaseWeights")
        endpoint.unguarded.parameter.override_logical_id("Unguarded")
        endpoint.unguarded.is_unguarded.override_logical_id("IsUnguarded")
        if change := endpoint.type_change:
            change.instance_type.override_logical_id("InstanceType")
            change.instance_type.constraint_description = (
                f"must be {environment.instance_type}, as in this template: `make instance-type`"
                " changes the type that is deployed"
            )
            change.scaling.override_logical_id("Scaling")
            change.is_scaled.override_logical_id("IsScaled")
        self.published = PublishedEndpoint(self, "Published", endpoint=endpoint)
        cdk.CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        cdk.CfnOutput(self, "EndpointDigest", value=endpoint.unguarded.digest)
        image = environment.image
        cdk.CfnOutput(self, "ServingImageTag", value=f"{image.repository}:{image.tag}")
