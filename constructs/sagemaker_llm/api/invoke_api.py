"""The REST API in front of an endpoint: proxy, keys, routes, clients and firewall."""

import aws_cdk as cdk
import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_iam as iam
from constructs import Construct

from sagemaker_llm.common.function_assets import FunctionTarget
from sagemaker_llm.common.log_keeping import KEPT_FOR_A_YEAR, LogKeeping
from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.sizing.sizing import Sizing

from .authorizer import KeyAuthorizer
from .client import ApiClient, Client
from .concurrency import ReservedConcurrency, reserved_concurrency
from .draining import VersionDraining
from .firewall import WebFirewall
from .proxy import ProxyFunction
from .rest_api import InvokeRestApi
from .routes import Routes
from .settings import ApiSettings, Authentication

_ONE_CLIENT = ApiSettings(clients=(Client(name="Default"),))


class InvokeApi(Construct):
    """Serves an endpoint over REST, to clients with a key or to IAM principals.

    By default to one client, `Default`, whose key API Gateway generates::

        api = InvokeApi(self, "Api", endpoint=endpoint)
        cdk.CfnOutput(self, "BaseUrl", value=f"{api.url}/v1")
        cdk.CfnOutput(self, "KeyId", value=api.key_ids["Default"])

    With `sizing`, refused clients are told when to retry as follows from the declared load.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        settings: ApiSettings = _ONE_CLIENT,
        sizing: Sizing | None = None,
        target: FunctionTarget = FunctionTarget.AWS,
        log_keeping: LogKeeping = KEPT_FOR_A_YEAR,
    ) -> None:
        super().__init__(scope, construct_id)
        reserved = reserved_concurrency(settings, endpoint.max_concurrent_requests)
        proxy = ProxyFunction(
            self,
            "Proxy",
            endpoint=endpoint,
            settings=settings,
            target=target,
            log_keeping=log_keeping,
            reserved_concurrency=reserved.proxy,
            sizing=sizing,
        )
        VersionDraining(
            self,
            "Draining",
            alias=proxy.function,
            seconds=settings.draining_seconds,
            target=target,
            log_keeping=log_keeping,
        )
        by_iam = settings.authentication is Authentication.IAM
        rest_api = InvokeRestApi(self, "RestApi", settings=settings, log_keeping=log_keeping)
        Routes(
            self,
            "Routes",
            api=rest_api.api,
            proxy=proxy.function,
            authorizer=None if by_iam else self._authorizer(target, log_keeping, reserved),
            settings=settings,
        )
        if settings.firewall:
            WebFirewall(
                self,
                "Firewall",
                requests_per_address=settings.requests_per_address,
                cors_origins=settings.cors_origins,
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

    def metric_requests(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests, refused ones included."""
        return self._api.metric_count(period=period)

    def metric_client_errors(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests that were answered with a 4XX status."""
        return self._api.metric_client_error(period=period)

    def metric_server_errors(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests that were answered with a 5XX status."""
        return self._api.metric_server_error(period=period)

    def metric_latency(
        self, statistic: str = "p99", period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how long a request took to its last byte, in milliseconds."""
        return self._api.metric_latency(statistic=statistic, period=period)

    def _authorizer(
        self, target: FunctionTarget, log_keeping: LogKeeping, reserved: ReservedConcurrency
    ) -> apigateway.IAuthorizer:
        keys = KeyAuthorizer(
            self,
            "KeyAuthorizer",
            target=target,
            log_keeping=log_keeping,
            reserved_concurrency=reserved.authorizer,
        )
        return keys.authorizer
