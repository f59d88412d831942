"""The REST API's stack, which changes with the code."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm import InvokeApi, OverloadAlarms, PublishedEndpoint

from .environment import Environment


class ApiStack(cdk.Stack):
    """Serves an endpoint over REST to the environment's clients; it follows one made again."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        published: PublishedEndpoint,
    ) -> None:
        super().__init__(scope, construct_id, description="The REST API over the model's endpoint")
        endpoint = published.for_callers(self)
        api = InvokeApi(
            self,
            "Invoke",
            endpoint=endpoint,
            settings=environment.api,
            sizing=environment.sizing,
            target=environment.function_target,
            log_keeping=environment.log_keeping,
        )
        if environment.sizing:
            OverloadAlarms(self, "Overload", endpoint=endpoint, sizing=environment.sizing)
        cdk.CfnOutput(self, "ApiUrl", value=api.url)
        cdk.CfnOutput(self, "RestApiId", value=api.rest_api_id)
        cdk.CfnOutput(self, "ModelId", value=endpoint.model.model_id)
        for name, key_id in api.key_ids.items():
            cdk.CfnOutput(self, f"ApiKeyId{name}", value=key_id)
