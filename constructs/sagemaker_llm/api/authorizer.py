"""The key authorizer: passes the Bearer key to API Gateway as the key of a usage plan."""

import aws_cdk as cdk
import aws_cdk.aws_apigateway as apigateway
from constructs import Construct

from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import LogKeeping
from sagemaker_llm.common.packaged_function import PackagedFunction

# API Gateway refuses anything else with 401, without asking the function.
_BEARER = "^[Bb]earer +[!-~]{20,128}$"

# The answer never changes for a token: usage plans validate the key on each request.
_CACHE = cdk.Duration.hours(1)

_DEPLOYED_WHEN_CHANGED = "@aws-cdk/aws-apigateway:authorizerChangeDeploymentLogicalId"


class KeyAuthorizer(Construct):
    """Owns the authorizer that reads the key where OpenAI's clients send it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        target: FunctionTarget,
        log_keeping: LogKeeping,
        reserved_concurrency: int | None,
    ) -> None:
        super().__init__(scope, construct_id)
        # Whoever uses the library may lack the flag by which a changed authorizer is deployed.
        self.node.set_context(_DEPLOYED_WHEN_CHANGED, True)  # noqa: FBT003 - the CDK's signature
        packaged = PackagedFunction(
            self,
            "Default",
            package="api_authorizer",
            target=target,
            handler="api_authorizer.handler.handle",
            description="Hands the Bearer key to API Gateway",
            log_keeping=log_keeping,
            memory_mib=256,  # no dependencies: a cold start is the interpreter's own
            timeout=cdk.Duration.seconds(5),
            reserved_concurrency=reserved_concurrency,
        )
        self.authorizer = apigateway.TokenAuthorizer(
            self,
            "Authorizer",
            handler=packaged.lambda_function,
            validation_regex=_BEARER,
            results_cache_ttl=_CACHE,
        )
