"""The endpoint's stack: the expensive one, which changes with the model."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import LlmEndpoint, WeightsBucket

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
        self.endpoint = LlmEndpoint(
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
        self.endpoint.released.parameter.override_logical_id("ModelPackageArn")
        self.endpoint.released.is_base.override_logical_id("ServesBaseWeights")
        cdk.CfnOutput(self, "EndpointName", value=self.endpoint.endpoint_name)
        image = environment.serving_image
        cdk.CfnOutput(self, "ServingImageTag", value=f"{image.repository}:{image.tag}")
