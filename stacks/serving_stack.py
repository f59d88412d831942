"""The endpoint's stack: the expensive one, which changes with the model."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import LlmEndpoint, PublishedEndpoint, WeightsBucket

from .environments import Environment


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
            image=environment.serving_image,
            weights_bucket=weights_bucket,
        )
        # Operators set the parameter by this name: it is an external contract.
        endpoint.released.parameter.override_logical_id("ModelPackageArn")
        endpoint.released.is_base.override_logical_id("ServesBaseWeights")
        self.published = PublishedEndpoint(self, "Published", endpoint=endpoint)
        cdk.CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        image = environment.serving_image
        cdk.CfnOutput(self, "ServingImageTag", value=f"{image.repository}:{image.tag}")
