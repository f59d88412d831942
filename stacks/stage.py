"""One environment: its stacks, each handed what it needs from the ones before."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import StagedWeights, WeightsBucket

from .api_stack import ApiStack
from .environments import Environment
from .serving_stack import ServingStack
from .training_stack import TrainingStack
from .weights_stack import WeightsStack


class LlmStage(cdk.Stage):
    """All that one environment deploys."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=environment.account, region=environment.region),
            # `make bootstrap` creates it: deployments cannot create a role without it.
            permissions_boundary=cdk.PermissionsBoundary.from_name(f"{construct_id}Boundary"),
        )
        serving = ServingStack(
            self, "Serving", environment=environment, weights_bucket=self._weights(environment)
        )
        ApiStack(self, "Api", environment=environment, published=serving.published)
        TrainingStack(self, "Training", environment=environment, published=serving.published)

    def _weights(self, environment: Environment) -> WeightsBucket | None:
        weights = environment.model.weights
        if not isinstance(weights, StagedWeights):
            return None
        return WeightsStack(self, "Weights", environment=environment, weights=weights).bucket
