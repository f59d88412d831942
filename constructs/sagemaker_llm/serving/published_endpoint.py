"""An endpoint for other stacks, which follow it when its own stack is created again."""

import copy

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
from constructs import Construct

from sagemaker_llm.common.published import Published

from .endpoint import LlmEndpoint


class PublishedEndpoint(Construct):
    """Owns what other stacks must know of an endpoint, whichever endpoint it is by then.

    Each of them takes the endpoint from here::

        published = PublishedEndpoint(serving, "Published", endpoint=endpoint)
        InvokeApi(other, "Api", endpoint=published.for_callers(other))
    """

    def __init__(self, scope: Construct, construct_id: str, *, endpoint: LlmEndpoint) -> None:
        super().__init__(scope, construct_id)
        self._endpoint = endpoint
        self._arn = Published(self, "EndpointArn", value=endpoint.endpoint_arn)
        self._role_arn = Published(self, "RoleArn", value=endpoint.role.role_arn)
        key = endpoint.volume_key
        self._key_arn = Published(self, "VolumeKeyArn", value=key.key_arn) if key else None

    def for_callers(self, stack: cdk.Stack) -> LlmEndpoint:
        """Return the endpoint as a stack knows it that invokes and measures it."""
        seen = copy.copy(self._endpoint)
        seen.endpoint_arn = self._arn.read_by(stack)
        # As it is in the ARN: in lower case.
        seen.endpoint_name = cdk.Fn.select(1, cdk.Fn.split("/", seen.endpoint_arn))
        return seen

    def for_releases(self, stack: cdk.Stack) -> LlmEndpoint:
        """Return the endpoint as a stack knows it that changes its model, too."""
        seen = self.for_callers(stack)
        seen.role = iam.Role.from_role_arn(stack, "EndpointRole", self._role_arn.read_by(stack))
        if self._key_arn:
            arn = self._key_arn.read_by(stack)
            seen.volume_key = kms.Key.from_key_arn(stack, "VolumeKey", arn)
        # Where they are tuned: other weights are not this bucket's.
        if seen.weights_bucket and seen.model.tuned_from is None:
            seen.base_weights = seen.weights_bucket.prefix_for(stack, seen.model)
        return seen
