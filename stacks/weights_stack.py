"""The stack of the weights that an operator stages: deployed before the one that serves them."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import StagedWeights, WeightsBucket

from .environments import Environment


class WeightsStack(cdk.Stack):
    """Keeps the environment's base weights; its outputs say which `make stage-weights` brings."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        weights: StagedWeights,
    ) -> None:
        super().__init__(scope, construct_id, description="The model's base weights")
        policy = environment.data_removal_policy
        self.bucket = WeightsBucket(self, "Weights", removal_policy=policy)
        place = self.bucket.place(environment.model)
        for name, value in {
            "WeightsBucketName": place.bucket.bucket_name,
            "WeightsPrefix": place.prefix,
            "WeightsRepository": weights.repository,
            "WeightsRevision": weights.revision,
        }.items():
            cdk.CfnOutput(self, name, value=value)
        cdk.Annotations.of(self).add_info(
            f"{environment.model.model_id} is served from this stack's bucket: deploy this stack"
            " first, and run `make stage-weights` with its ENV before the others are deployed"
        )
