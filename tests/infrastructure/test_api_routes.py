"""The routes: guarded, validated, streamed, and refused in one shape."""

import re
from typing import Any

import pytest

from invoke_proxy.http.errors import KINDS
from tests.infrastructure.assembly import Template, refusal_of

_METHOD = "AWS::ApiGateway::Method"
_BODIES = {
    "POST /v1/chat/completions": "ChatRequest",
    "POST /v1/completions": "CompletionRequest",
    "POST /generate": "GenerateRequest",
    "POST /generate_stream": "GenerateRequest",
    "POST /invocations": "GenerateRequest",
    "POST ": "GenerateRequest",  # the root
}
_READ = ("/v1/models", "/v1/models/{model}", "/info", "/openapi.json")
_GUARDED = {*_BODIES, *(f"{method} {path}" for path in _READ for method in ("GET", "HEAD"))}


def _path(template: Template, resource: dict[str, Any]) -> str:
    if "Ref" not in resource:
        return ""
    properties = template.body["Resources"][resource["Ref"]]["Properties"]
    return f"{_path(template, properties['ParentId'])}/{properties['PathPart']}"


@pytest.fixture(name="routes")
def _routes(api: Template) -> dict[str, dict[str, Any]]:
    methods = [method["Properties"] for method in api.resources(_METHOD).values()]
    return {f"{m['HttpMethod']} {_path(api, m['ResourceId'])}": m for m in methods}


def test_all_routes_but_open_ones_need_a_key(
    api: Template, routes: dict[str, dict[str, Any]]
) -> None:
    (authorizer,) = api.resources("AWS::ApiGateway::Authorizer")
    has_playground = api.stack.startswith(("Local", "Dev", "Cpu"))
    pages = ("/health", "/playground") if has_playground else ("/health",)
    open_routes = {f"{method} {path}" for path in pages for method in ("GET", "HEAD")}
    assert routes.keys() == {*_GUARDED, *open_routes}
    for route in _GUARDED:
        assert routes[route]["ApiKeyRequired"] is True
        assert routes[route]["AuthorizationType"] == "CUSTOM"
        assert routes[route]["AuthorizerId"] == {"Ref": authorizer}
    for route in open_routes:
        assert routes[route]["AuthorizationType"] == "NONE"
        assert "ApiKeyRequired" not in routes[route]


def test_all_routes_stream_from_the_proxy(routes: dict[str, dict[str, Any]]) -> None:
    for route in routes.values():
        integration = route["Integration"]
        assert integration["Type"] == "AWS_PROXY"
        assert integration["ResponseTransferMode"] == "STREAM"
        before, function, after = integration["Uri"]["Fn::Join"][1][-3:]
        assert before.endswith(":lambda:path/2021-11-15/functions/")
        assert function["Ref"].startswith("InvokeProxyLive")
        assert after == "/response-streaming-invocations"


def test_bodies_are_validated_against_the_proxys_own_types(
    api: Template, routes: dict[str, dict[str, Any]]
) -> None:
    validator = api.only("AWS::ApiGateway::RequestValidator")
    assert validator["ValidateRequestBody"] is True
    assert validator["ValidateRequestParameters"] is True
    (validator_id,) = api.resources("AWS::ApiGateway::RequestValidator")
    for route, name in _BODIES.items():
        assert routes[route]["RequestValidatorId"] == {"Ref": validator_id}
        model_id = routes[route]["RequestModels"]["application/json"]["Ref"]
        schema = api.body["Resources"][model_id]["Properties"]["Schema"]
        assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
        assert schema["title"] == name


def test_api_gateways_refusals_have_openais_shape(api: Template) -> None:
    codes = {}
    for response in api.resources("AWS::ApiGateway::GatewayResponse").values():
        properties = response["Properties"]
        error = refusal_of(properties)
        kind = KINDS[error["code"]]
        assert (properties["StatusCode"], error["type"]) == (str(kind.status), kind.type)
        assert properties["ResponseParameters"] == {
            "gatewayresponse.header.x-request-id": "context.requestId",
            **{f"gatewayresponse.header.{k}": f"'{v}'" for k, v in kind.headers.items()},
        }
        codes[properties["ResponseType"]] = error["code"]
    assert codes == {
        "ACCESS_DENIED": "invalid_api_key",
        "API_CONFIGURATION_ERROR": "proxy_unavailable",
        "AUTHORIZER_CONFIGURATION_ERROR": "proxy_unavailable",
        "AUTHORIZER_FAILURE": "proxy_unavailable",
        "BAD_REQUEST_BODY": "invalid_request",
        "BAD_REQUEST_PARAMETERS": "invalid_request",
        "DEFAULT_4XX": "invalid_request",
        "DEFAULT_5XX": "internal_error",
        "INTEGRATION_FAILURE": "proxy_unavailable",
        "INTEGRATION_TIMEOUT": "timeout",
        "INVALID_API_KEY": "invalid_api_key",
        "MISSING_AUTHENTICATION_TOKEN": "unknown_url",
        "QUOTA_EXCEEDED": "insufficient_quota",
        "REQUEST_TOO_LARGE": "request_too_large",
        "RESOURCE_NOT_FOUND": "unknown_url",
        "THROTTLED": "rate_limit_exceeded",
        "UNAUTHORIZED": "invalid_api_key",
        "UNSUPPORTED_MEDIA_TYPE": "invalid_request",
        "WAF_FILTERED": "access_denied",
    }


@pytest.mark.parametrize(
    ("refusal", "header"),
    [
        ("THROTTLED", ("Retry-After", "'1'")),
        ("INTEGRATION_FAILURE", ("Retry-After", "'1'")),
        ("QUOTA_EXCEEDED", ("x-should-retry", "'false'")),
    ],
)
def test_clients_are_told_whether_waiting_helps(
    api: Template, refusal: str, header: tuple[str, str]
) -> None:
    response = api.only("AWS::ApiGateway::GatewayResponse", refusal.replace("_", ""))
    name, value = header
    assert response["ResponseParameters"][f"gatewayresponse.header.{name}"] == value


@pytest.mark.parametrize("key", ["A" * 40, "sk-0123456789_abcdefghij"])
def test_authorizer_is_asked_about_keys(api: Template, key: str) -> None:
    expression = api.only("AWS::ApiGateway::Authorizer")["IdentityValidationExpression"]
    assert re.fullmatch(expression, f"Bearer {key}")


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer short", "A" * 40, "Bearer a b"])
def test_authorizer_is_not_asked_about_anything_else(api: Template, token: str) -> None:
    expression = api.only("AWS::ApiGateway::Authorizer")["IdentityValidationExpression"]
    assert not re.fullmatch(expression, token)
