"""Every error that a client can get: one table, one exception tree, one body.

ProxyError
├── RequestError   the client's request cannot be served; its message says why
└── EndpointError  SageMaker or the model failed; its message is the table's, never upstream's
"""

from typing import Literal

import msgspec

TgiErrorType = Literal["validation", "generation", "incomplete_generation", "overloaded"]


class Kind(msgspec.Struct, frozen=True):
    """One row of the table of errors: what the client gets, and whether a retry can help."""

    status: int
    type: str
    message: str
    tgi_type: TgiErrorType = "validation"
    retry_after_seconds: int | None = None
    final: bool = False  # The same request would fail again, or cost as much again.

    @property
    def headers(self) -> dict[str, str]:
        """The headers that control retries: OpenAI's clients retry any 429 and 5xx by default."""
        if self.retry_after_seconds:
            return {"Retry-After": str(self.retry_after_seconds)}
        return {"x-should-retry": "false"} if self.final else {}


_BAD_REQUEST, _UNPROCESSABLE = 400, 422
_BEYOND_TGI = frozenset({401, 403, 404})

_REQUEST = "invalid_request_error"
_RATE = "rate_limit_error"
_SERVER = "server_error"

# Keyed by the error's `code`. API Gateway itself sends those marked (gateway).
KINDS: dict[str, Kind] = {
    "invalid_json": Kind(400, _REQUEST, "the body is not valid JSON"),
    "invalid_request": Kind(400, _REQUEST, "the request does not match the schema"),
    "unsupported_parameter": Kind(400, _REQUEST, "the parameter is not supported"),
    "context_length_exceeded": Kind(
        400, _REQUEST, "the prompt does not fit the model's context window"
    ),
    "invalid_api_key": Kind(
        401,
        _REQUEST,
        "send a key: `Authorization: Bearer <key>`; it is missing, or has the wrong length",
    ),  # (gateway)
    "invalid_signature": Kind(  # (gateway, IAM authentication: it cannot tell the two apart)
        401,
        _REQUEST,
        "sign the request (SigV4, `execute-api`), and check its route: an unknown one is refused"
        " in the same way",
    ),
    "access_denied": Kind(403, _REQUEST, "access is denied"),  # (gateway)
    "unknown_url": Kind(
        404,
        _REQUEST,
        "no such route: use POST /v1/chat/completions (there is no /v1/responses) or"
        " POST /v1/completions; GET /openapi.json lists the others",
    ),
    "model_refused": Kind(400, _REQUEST, "the model refused the parameters"),
    "model_not_found": Kind(404, _REQUEST, "no such model"),
    "method_not_allowed": Kind(405, _REQUEST, "the route does not accept this method"),
    "request_too_large": Kind(413, _REQUEST, "the body is too large: the prompt is too long"),
    "rate_limit_exceeded": Kind(  # (gateway)
        429, _RATE, "too many requests with this key", "overloaded", retry_after_seconds=1
    ),
    "address_rate_limit_exceeded": Kind(  # (firewall)
        429, _RATE, "too many requests from this address", "overloaded", retry_after_seconds=60
    ),
    "insufficient_quota": Kind(  # (gateway)
        429, "insufficient_quota", "the key's quota is used up", "overloaded", final=True
    ),
    "model_overloaded": Kind(
        429,
        _RATE,
        "the model is at its limit of concurrent requests",
        "overloaded",
        retry_after_seconds=2,
    ),
    "endpoint_throttled": Kind(
        429, _RATE, "the endpoint is throttled", "overloaded", retry_after_seconds=1
    ),
    "internal_error": Kind(500, _SERVER, "the proxy failed", "generation", final=True),
    "endpoint_error": Kind(
        502, _SERVER, "the endpoint failed", "generation", retry_after_seconds=1
    ),
    "endpoint_refused": Kind(
        502, _SERVER, "the endpoint refused the proxy's request", "generation", final=True
    ),
    "model_error": Kind(502, _SERVER, "the model failed", "generation"),
    "stream_interrupted": Kind(
        502, _SERVER, "the answer broke off before it was complete", "incomplete_generation"
    ),
    "endpoint_not_found": Kind(
        503, _SERVER, "the endpoint does not exist", "overloaded", final=True
    ),
    "endpoint_updating": Kind(
        503, _SERVER, "the endpoint is starting", "overloaded", retry_after_seconds=30
    ),
    "endpoint_unavailable": Kind(
        503, _SERVER, "the endpoint is unavailable", "overloaded", retry_after_seconds=5
    ),
    "no_capacity": Kind(
        503, _SERVER, "the endpoint has no instances yet", "overloaded", retry_after_seconds=60
    ),
    "proxy_unavailable": Kind(  # (gateway)
        503,
        _SERVER,
        "the proxy is at its limit or does not start",
        "overloaded",
        retry_after_seconds=1,
    ),
    "timeout": Kind(504, _SERVER, "the answer took too long", "incomplete_generation", final=True),
}


# With OpenAI's status, by which clients know a wrong key.
WRONG_KEY = "the key is wrong: this API has no such key"


class ProxyError(Exception):
    """An error that the client is told; `code` is a key of `KINDS`."""

    def __init__(self, code: str, message: str | None = None, param: str | None = None) -> None:
        self.code = code
        self.kind = KINDS[code]
        self.message = message or self.kind.message
        self.param = param
        super().__init__(self.message)


class RequestError(ProxyError):
    """The client's request cannot be served."""


class EndpointError(ProxyError):
    """The endpoint or its model failed; takes no message, so that no upstream text can leak.

    `upstream` is the name of upstream's error, for the log.
    """

    def __init__(self, code: str, upstream: str | None = None) -> None:
        super().__init__(code)
        self.upstream = upstream


class Error(msgspec.Struct):
    """OpenAI's error."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """OpenAI's error body; API Gateway's refusals have TGI's `error_type` beside it."""

    error: Error
    error_type: TgiErrorType | None = None


class TgiErrorBody(msgspec.Struct):
    """TGI's error body, with our `code` beside it."""

    error: str
    error_type: TgiErrorType
    code: str
    param: str | None


def error_body(error: ProxyError, *, tgi: bool) -> bytes:
    """Return the JSON of an error, for a whole answer or an event of a stream."""
    kind = error.kind
    if tgi:
        return msgspec.json.encode(
            TgiErrorBody(error.message, kind.tgi_type, error.code, error.param)
        )
    return msgspec.json.encode(ErrorBody(_openai_error(error)))


def gateway_error_body(error: ProxyError) -> bytes:
    """Return the JSON of a refusal by API Gateway, which has one body for all routes.

    OpenAI's clients read `error`, and TGI's go by `error_type`, which has no value for keys and
    unknown routes: there they go by the status.
    """
    known = error.kind.status not in _BEYOND_TGI
    return msgspec.json.encode(
        ErrorBody(_openai_error(error), error.kind.tgi_type if known else None)
    )


def status_of(error: ProxyError, *, tgi: bool) -> int:
    """Return the status: TGI's for what it does not accept is 422."""
    refused = error.kind.status == _BAD_REQUEST and error.code != "invalid_json"
    return _UNPROCESSABLE if tgi and refused else error.kind.status


def _openai_error(error: ProxyError) -> Error:
    return Error(error.message, error.kind.type, error.param, error.code)
