"""API Gateway's own refusals, with the bodies that the proxy would send."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import aws_cdk.aws_apigateway as apigateway

from invoke_proxy.http.cors import gateway_cors_headers
from invoke_proxy.http.errors import WRONG_KEY, ProxyError, gateway_error_body

from .settings import ApiSettings, Authentication

# The validator's own words name no field, and may quote the prompt.
_BAD_BODY = "the body must be a JSON object with the route's required fields: see GET /openapi.json"

# API Gateway's refusals, and what each is in the proxy's table of errors.
_REFUSALS: Mapping[str, ProxyError] = MappingProxyType(
    {
        "BAD_REQUEST_BODY": ProxyError("invalid_request", _BAD_BODY),
        "BAD_REQUEST_PARAMETERS": ProxyError("invalid_request"),
        "UNSUPPORTED_MEDIA_TYPE": ProxyError("invalid_request", "send `application/json`"),
        "REQUEST_TOO_LARGE": ProxyError("request_too_large"),
        "RESOURCE_NOT_FOUND": ProxyError("unknown_url"),
        "THROTTLED": ProxyError("rate_limit_exceeded"),
        "QUOTA_EXCEEDED": ProxyError("insufficient_quota"),
        "WAF_FILTERED": ProxyError("access_denied", "the firewall refused the request"),
        # The function, or the authorizer's, is throttled or does not start. Unverified: that API
        # Gateway reports a throttled function of a STREAM integration as INTEGRATION_FAILURE. Look
        # at `refusal` in the access log the first time that a reservation is full.
        "INTEGRATION_FAILURE": ProxyError("proxy_unavailable"),
        "API_CONFIGURATION_ERROR": ProxyError("proxy_unavailable"),
        "AUTHORIZER_CONFIGURATION_ERROR": ProxyError("proxy_unavailable"),
        "AUTHORIZER_FAILURE": ProxyError("proxy_unavailable"),
        "INTEGRATION_TIMEOUT": ProxyError("timeout"),
        "DEFAULT_4XX": ProxyError("invalid_request"),
        "DEFAULT_5XX": ProxyError("internal_error"),
    }
)
_NOT_LET_IN: Mapping[Authentication, Mapping[str, ProxyError]] = MappingProxyType(
    {
        Authentication.KEYS: {
            "UNAUTHORIZED": ProxyError("invalid_api_key"),
            # No usage plan knows the key.
            "ACCESS_DENIED": ProxyError("invalid_api_key", WRONG_KEY),
            "INVALID_API_KEY": ProxyError("invalid_api_key", WRONG_KEY),
            # So named because API Gateway takes an unknown route for one that needs a signature.
            "MISSING_AUTHENTICATION_TOKEN": ProxyError("unknown_url"),
        },
        Authentication.IAM: {
            "ACCESS_DENIED": ProxyError(
                "access_denied", "the caller lacks the permission execute-api:Invoke for this route"
            ),
            "MISSING_AUTHENTICATION_TOKEN": ProxyError("invalid_signature"),
            "INVALID_SIGNATURE": ProxyError("invalid_signature"),
            "EXPIRED_TOKEN": ProxyError("invalid_signature"),
            "DEFAULT_4XX": ProxyError("invalid_signature"),  # unknown and incomplete credentials
        },
    }
)

# A JSON string that API Gateway puts in the variable's place.
_OWN_WORDS = "$context.error.messageString"


def add_gateway_responses(api: apigateway.RestApi, settings: ApiSettings) -> None:
    """Give every refusal OpenAI's error shape, with a status and a code of the proxy's table."""
    for refusal, error in {**_REFUSALS, **_NOT_LET_IN[settings.authentication]}.items():
        body = gateway_error_body(error).decode()
        if error.code == "invalid_request" and refusal == "DEFAULT_4XX":
            body = body.replace(json.dumps(error.message), _OWN_WORDS)  # it can be anything
        api.add_gateway_response(
            refusal,
            type=apigateway.ResponseType.of(refusal),
            status_code=str(error.kind.status),
            response_headers=_headers(error, settings.cors_origins),
            templates={"application/json": body},
        )


def _headers(error: ProxyError, origins: Sequence[str]) -> dict[str, str]:
    # Static values are quoted: API Gateway takes others for references to the request.
    static = {**error.kind.headers, **gateway_cors_headers(origins)}
    own = {name: f"'{value}'" for name, value in static.items()}
    return {"x-request-id": "context.requestId", **own}
