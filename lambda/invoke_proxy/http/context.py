"""A request's client and deadline, from the headers that the Lambda Web Adapter adds."""

import time
from typing import Self, TypeVar
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request

from invoke_proxy.http.unreadable import UNREADABLE

STREAM_SECONDS = 8 * 60  # Unverified: SageMaker's limit for a response stream
_MARGIN_SECONDS = 1.0  # So that the client still gets the error.

_Context = TypeVar("_Context")


class _Invocation(msgspec.Struct):
    deadline: int | None = None  # Unix milliseconds


class _Identity(msgspec.Struct, rename="camel"):
    api_key_id: str | None = None
    user_arn: str | None = None
    caller: str | None = None

    @property
    def client(self) -> str | None:
        """The API key's id, or a signed call's principal (an assumed role without its session)."""
        principal = self.user_arn or self.caller
        if principal and ":assumed-role/" in principal:
            principal = principal.rpartition("/")[0]  # Each session would be its own metric.
        return self.api_key_id or principal


class _GatewayRequest(msgspec.Struct, rename="camel"):
    request_id: str | None = None
    identity: _Identity | None = None


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """The client (its API key's id, never the key; or its ARN) and when its answer must end."""

    request_id: str
    client: str
    deadline: float  # Monotonic seconds.

    @classmethod
    def from_headers(cls, headers: Headers) -> Self:
        """Read API Gateway's context and the invocation's; both are absent outside Lambda."""
        gateway = _decoded(headers, "x-amzn-request-context", _GatewayRequest)
        deadline = _decoded(headers, "x-amzn-lambda-context", _Invocation).deadline
        left = deadline / 1000 - time.time() - _MARGIN_SECONDS if deadline else STREAM_SECONDS
        return cls(
            request_id=gateway.request_id or uuid4().hex,
            client=(gateway.identity and gateway.identity.client) or "anonymous",
            deadline=time.monotonic() + max(0.0, min(left, STREAM_SECONDS)),
        )

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the context of a request that the Recorder let in."""
        context: Self = request.state.context
        return context


def _decoded(headers: Headers, name: str, context: type[_Context]) -> _Context:
    """Return a header's context; an unreadable one is empty, because it must not fail a request."""
    try:
        return msgspec.json.decode(headers.get(name) or b"{}", type=context)
    except UNREADABLE:
        return context()
