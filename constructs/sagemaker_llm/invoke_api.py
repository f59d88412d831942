"""The REST API in front of an endpoint: proxy, keys, routes, clients and firewall."""

import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_iam as iam
from constructs import Construct

from .api_client import ApiClient
from .api_settings import ApiSettings, Authentication
from .function_assets import FunctionTarget
from .key_authorizer import KeyAuthorizer
from .llm_endpoint import LlmEndpoint
from .log_keeping import LogKeeping
from .proxy_function import ProxyFunction
from .rest_api import InvokeRestApi
from .routes import Routes
from .web_firewall import WebFirewall


class InvokeApi(Construct):
    """Serves an endpoint over REST, to clients with a key or to IAM principals."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        settings: ApiSettings,
        target: FunctionTarget,
        log_keeping: LogKeeping,
    ) -> None:
        super().__init__(scope, construct_id)
        proxy = ProxyFunction(
            self,
            "Proxy",
            endpoint=endpoint,
            settings=settings,
            target=target,
            log_keeping=log_keeping,
        )
        rest_api = InvokeRestApi(self, "RestApi", settings=settings, log_keeping=log_keeping)
        Routes(
            self,
            "Routes",
            api=rest_api.api,
            proxy=proxy.function,
            authorizer=self._authorizer(settings, target, log_keeping),
            playground=settings.playground,
        )
        if settings.firewall:
            WebFirewall(
                self,
                "Firewall",
                firewall=settings.firewall,
                stage=rest_api.api.deployment_stage,
            )
        scope_of_clients = Construct(self, "Clients")
        self._api = rest_api.api
        self.url = rest_api.url
        self.rest_api_id = rest_api.api.rest_api_id
        self.key_ids = {
            client.name: ApiClient(scope_of_clients, client=client, api=rest_api.api).key_id
            for client in settings.clients
        }

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call every route; it counts where authentication is by IAM."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:Invoke"],
            resource_arns=[self._api.arn_for_execute_api()],
        )

    def _authorizer(
        self, settings: ApiSettings, target: FunctionTarget, log_keeping: LogKeeping
    ) -> apigateway.IAuthorizer | None:
        if settings.authentication is Authentication.IAM:
            return None
        keys = KeyAuthorizer(self, "KeyAuthorizer", target=target, log_keeping=log_keeping)
        return keys.authorizer
