"""The stack of staged weights: it is deployed before the stack that serves them."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import StagedGguf, WeightsBucket
from sagemaker_llm.models.weights import Staged

from .environment import Environment


class WeightsStack(cdk.Stack):
    """Owns the bucket of the base weights; its outputs tell `make stage-weights` what to copy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        weights: Staged,
    ) -> None:
        super().__init__(scope, construct_id, description="The model's base weights")
        policy = environment.data_removal_policy
        self.bucket = WeightsBucket(self, "Weights", removal_policy=policy)
        location = self.bucket.prefix_of(environment.model)
        for name, value in {
            "WeightsBucketName": location.bucket.bucket_name,
            "WeightsPrefix": location.prefix,
            "WeightsRepository": weights.repository,
            "WeightsRevision": weights.revision,
            **_of_one_file(weights, environment),
        }.items():
            cdk.CfnOutput(self, name, value=value)
        cdk.Annotations.of(self).add_info(
            f"{environment.model.model_id} is served from this stack's bucket: deploy this stack"
            " first, and run `make stage-weights` with its ENV before the others are deployed"
        )


def _of_one_file(weights: Staged, environment: Environment) -> dict[str, str]:
    """Return what the file of a GGUF model is compared with before it is uploaded."""
    if not isinstance(weights, StagedGguf):
        return {}
    return {
        "WeightsFile": weights.file,
        "WeightsFileBytes": str(weights.file_bytes),
        "WeightsTokenizer": environment.model.tokenizer.value,
        "WeightsWindow": str(environment.model.limits.max_total_tokens),
    }
