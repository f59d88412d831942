"""Who asks, and until when: the headers that the Lambda Web Adapter adds; absent when run plain."""

import time
from typing import Self
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers

from invoke_proxy.settings import STREAM_SECONDS

_MARGIN_SECONDS = 1.0  # so that the caller still gets the error


class _Invocation(msgspec.Struct):
    deadline: int | None = None  # Unix milliseconds


class _Identity(msgspec.Struct, rename="camel"):
    api_key_id: str | None = None


class _GatewayRequest(msgspec.Struct, rename="camel"):
    request_id: str | None = None
    path: str | None = None
    identity: _Identity | None = None


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """The caller (its API key's id, never the key) and the time that is left."""

    request_id: str
    client: str
    seconds: float
    path: str | None = None

    @classmethod
    def from_headers(cls, headers: Headers) -> Self:
        """Read API Gateway's context and the invocation's."""
        gateway = msgspec.json.decode(
            headers.get("x-amzn-request-context") or b"{}", type=_GatewayRequest
        )
        deadline = msgspec.json.decode(
            headers.get("x-amzn-lambda-context") or b"{}", type=_Invocation
        ).deadline
        left = deadline / 1000 - time.time() - _MARGIN_SECONDS if deadline else STREAM_SECONDS
        return cls(
            request_id=gateway.request_id or uuid4().hex,
            client=(gateway.identity and gateway.identity.api_key_id) or "anonymous",
            seconds=max(0.0, min(left, STREAM_SECONDS)),
            path=gateway.path,
        )
