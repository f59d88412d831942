"""What API Gateway answers when it refuses a request itself: the same bodies as the proxy's."""

import json
from collections.abc import Mapping
from types import MappingProxyType

import aws_cdk.aws_apigateway as apigateway

from invoke_proxy.errors import KINDS, ProxyError, error_body

# API Gateway's refusals, and the code of each in the proxy's table of errors.
_CODES: Mapping[str, str] = MappingProxyType(
    {
        "UNAUTHORIZED": "invalid_api_key",
        "ACCESS_DENIED": "access_denied",
        "INVALID_API_KEY": "access_denied",  # there is a key, but no usage plan knows it
        "THROTTLED": "rate_limit_exceeded",
        "QUOTA_EXCEEDED": "insufficient_quota",
        "BAD_REQUEST_PARAMETERS": "invalid_request",
        "REQUEST_TOO_LARGE": "request_too_large",
        # So named because API Gateway takes an unknown route for one that needs a signature.
        "MISSING_AUTHENTICATION_TOKEN": "unknown_url",
        "INTEGRATION_FAILURE": "internal_error",
        "INTEGRATION_TIMEOUT": "timeout",
    }
)

# The validator's own words name no field, and may quote the prompt.
_BAD_BODY = (
    "the body is no JSON object, or lacks a field that the route needs: see GET /openapi.json"
)

# A JSON string that API Gateway puts in the variable's place.
_OWN_WORDS = "$context.error.messageString"


def add_gateway_responses(api: apigateway.RestApi) -> None:
    """Answer every refusal in OpenAI's error shape, those not named with API Gateway's status."""
    for refusal, code in _CODES.items():
        _add(api, refusal, _body(code), status=KINDS[code].status, headers=_headers(code))
    bad_body = error_body(ProxyError("invalid_request", _BAD_BODY), tgi=False).decode()
    _add(api, "BAD_REQUEST_BODY", bad_body, status=KINDS["invalid_request"].status)
    own_words = _body("invalid_request").replace(
        json.dumps(KINDS["invalid_request"].message), _OWN_WORDS
    )
    _add(api, "DEFAULT_4XX", own_words)
    _add(api, "DEFAULT_5XX", _body("internal_error"))


def _add(
    api: apigateway.RestApi,
    refusal: str,
    body: str,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
) -> None:
    api.add_gateway_response(
        refusal,
        type=apigateway.ResponseType.of(refusal),
        status_code=str(status) if status else None,
        response_headers=headers,
        templates={"application/json": body},
    )


def _body(code: str) -> str:
    return error_body(ProxyError(code), tgi=False).decode()


def _headers(code: str) -> dict[str, str] | None:
    # Static values are quoted: API Gateway takes others for references to the request.
    if code == "insufficient_quota":
        return {"x-should-retry": "'false'"}  # OpenAI's clients would try again at once, in vain
    seconds = KINDS[code].retry_after_seconds
    return {"Retry-After": f"'{seconds}'"} if seconds else None
