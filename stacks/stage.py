"""One environment: its stacks, each handed what it needs from the ones before."""

from collections.abc import Mapping
from types import MappingProxyType

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import WeightsBucket
from sagemaker_llm.models.weights import Staged

from .accounts import qualifier
from .api_stack import ApiStack
from .environment import Environment
from .serving_stack import ServingStack
from .training_stack import TrainingStack
from .weights_stack import WeightsStack


class LlmStage(cdk.Stage):
    """All that one environment deploys, with its tags on every stack."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=environment.account, region=environment.region),
            # `make bootstrap` creates it: deployments cannot create a role without it.
            permissions_boundary=cdk.PermissionsBoundary.from_name(f"{construct_id}Boundary"),
        )
        # A bootstrap of its own: environments that share an account keep policies and stacks apart.
        self.node.set_context("@aws-cdk/core:bootstrapQualifier", qualifier(construct_id.lower()))
        serving = ServingStack(
            self, "Serving", environment=environment, weights_bucket=self._weights(environment)
        )
        ApiStack(self, "Api", environment=environment, published=serving.published)
        if environment.tuning:
            TrainingStack(
                self,
                "Training",
                environment=environment,
                settings=environment.tuning,
                published=serving.published,
            )
        for stack in self.node.children:
            if isinstance(stack, cdk.Stack):
                stack.termination_protection = environment.termination_protection
                for key, value in tags.items():
                    stack.add_stack_tag(key, value)

    def _weights(self, environment: Environment) -> WeightsBucket | None:
        weights = environment.model.weights
        if not isinstance(weights, Staged):
            return None
        return WeightsStack(self, "Weights", environment=environment, weights=weights).bucket
