"""The routes of the API: their bodies, and which of them are open."""

import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_lambda as lambda_
from constructs import Construct

from invoke_proxy.schemas import request_schema
from sagemaker_llm.common.acknowledge import acknowledge, acknowledge_scan

from .proxy import INTEGRATION_TIMEOUT
from .settings import ApiSettings

# Each with the type of its body, as the proxy names it.
_POST_ROUTES = {
    "/v1/chat/completions": "ChatRequest",
    "/v1/completions": "CompletionRequest",
    "/generate": "GenerateRequest",
    "/generate_stream": "GenerateRequest",
    "/invocations": "GenerateRequest",
    "/": "GenerateRequest",  # where TGI's own client posts
}
_GET_ROUTES = ("/v1/models", "/v1/models/{model}", "/info", "/openapi.json")
_HEALTH, _PLAYGROUND = "/health", "/playground"
_READ = ("GET", "HEAD")


def open_routes(settings: ApiSettings) -> dict[tuple[str, str], str]:
    """Return the methods and paths that anybody may call, each with its reason."""
    pages = {_HEALTH: "load balancers and monitors ask it, and have no key"}
    if settings.playground:
        pages[_PLAYGROUND] = "a page without secrets; its calls need a key"
    routes = {(method, path): reason for path, reason in pages.items() for method in _READ}
    if settings.cors_origins:
        for path in (*_POST_ROUTES, *_GET_ROUTES, *pages):
            routes["OPTIONS", path] = "browsers send no key with a preflight"
    return routes


class Routes(Construct):
    """Adds the routes to the API, each answered by the proxy, as a stream.

    Without an authorizer, callers sign their requests (IAM).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: apigateway.RestApi,
        proxy: lambda_.IFunction,
        authorizer: apigateway.IAuthorizer | None,
        settings: ApiSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        self._api = api
        self._authorizer = authorizer
        self._integration = apigateway.LambdaIntegration(
            proxy,
            response_transfer_mode=apigateway.ResponseTransferMode.STREAM,
            timeout=INTEGRATION_TIMEOUT,
            # One permission for the whole API: one a method would fill the function's policy.
            scope_permission_to_method=False,
        )
        self._validator = api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        bodies = {name: self._model(name) for name in dict.fromkeys(_POST_ROUTES.values())}
        for path, name in _POST_ROUTES.items():
            self._add_guarded("POST", path, body=bodies[name])
        for path in _GET_ROUTES:
            for method in _READ:
                self._add_guarded(method, path)
        for (method, path), reason in open_routes(settings).items():
            self._add_open(method, path, reason=reason)

    def _model(self, name: str) -> apigateway.IModel:
        schema = request_schema(name)
        scope = Construct(self, name)
        # L1, because the L2 knows a subset of JSON schema only. The deployment is told of the
        # schema, or a changed one would not be deployed.
        model = apigateway.CfnModel(
            scope,
            "Model",
            rest_api_id=self._api.rest_api_id,
            content_type="application/json",
            schema=schema,
        )
        if self._api.latest_deployment:
            self._api.latest_deployment.add_to_logical_id({name: schema})
        return apigateway.Model.from_model_name(scope, "ModelName", model.ref)

    def _add_guarded(
        self, http_method: str, path: str, *, body: apigateway.IModel | None = None
    ) -> None:
        by_iam = self._authorizer is None
        method = self._api.root.resource_for_path(path).add_method(
            http_method,
            self._integration,
            authorization_type=apigateway.AuthorizationType.IAM if by_iam else None,
            authorizer=self._authorizer,
            api_key_required=not by_iam,
            request_models={"application/json": body} if body else None,
            request_validator=self._validator if body else None,
        )
        _acknowledge_users(method)

    def _add_open(self, http_method: str, path: str, *, reason: str) -> None:
        resource = self._api.root.resource_for_path(path)
        method = resource.add_method(http_method, self._integration)
        acknowledge(method, "APIG4", reason=reason)
        acknowledge_scan(method, "Checkov::CKV_AWS_59", reason=reason)
        _acknowledge_users(method)


def _acknowledge_users(method: apigateway.Method) -> None:
    acknowledge(method, "COG4", reason="callers are programs, not users who log in to a pool")
