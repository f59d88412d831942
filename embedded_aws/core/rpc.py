"""AWS JSON services of our own: requests are checked against botocore's service models."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from embedded_aws.core import circumstances
from embedded_aws.core.circumstances import CircumstancesError
from embedded_aws.core.constraints import violations
from embedded_aws.core.emulator import Json, Response
from embedded_aws.iam.permissions import deny

Operation = Callable[[Json], Json]


class Permission(NamedTuple):
    """What IAM must allow the caller: an action on a resource, with the request's own keys."""

    action: str
    resource: str
    context: Json | None = None


Permissions = Callable[[str, Json], Iterable[Permission]]


class ServiceError(Exception):
    """A refusal as AWS words it: `code` is the exception's name in the service model."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def invalid(message: str) -> ServiceError:
    """Return the error for a request that AWS would call invalid."""
    return ServiceError("ValidationException", message)


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


class JsonService:
    """One AWS service that speaks the JSON protocol, with the operations that we emulate.

    `permissions(operation, request)` says what IAM must allow a caller from outside.
    """

    def __init__(
        self,
        name: str,
        operations: dict[str, Operation],
        permissions: Permissions = lambda _operation, _request: (),
    ) -> None:
        self.name = name
        self._operations = operations
        self._permissions = permissions

    def matches(self, _path: str, headers: dict[str, str]) -> bool:
        """Return whether a request is for this service."""
        prefix = _model(self.name).metadata["targetPrefix"]
        return headers.get("x-amz-target", "").startswith(f"{prefix}.")

    def permissions(self, operation: str, request: Json) -> Iterable[Permission]:
        """Return what IAM must allow whoever calls `operation`."""
        return self._permissions(operation, request)

    def accepts(self, operation: str) -> set[str]:
        """Return the names of the parameters that `operation` takes."""
        return set(_model(self.name).operation_model(operation).input_shape.members)

    def call(self, operation: str, request: Json) -> Json:
        """Run `operation`; raises ServiceError as AWS would, and for what is not emulated."""
        self._check(operation, request)
        return self._operations[operation](request)

    def _check(self, operation: str, request: Json) -> None:
        if operation not in self._operations:
            raise ServiceError(
                "UnknownOperationException",
                f"the embedded AWS does not emulate {self.name}:{operation}; "
                f"it knows {', '.join(sorted(self._operations))}",
            )
        shape = _model(self.name).operation_model(operation).input_shape
        faults = ParamValidator().validate(request, shape)
        if faults.has_errors():
            raise invalid(faults.generate_report())
        if violated := list(violations(request, shape)):
            raise invalid("; ".join(violated))

    def _read(self, operation: str, body: bytes) -> Json:
        """Return the request of a body that may be anything; raises ServiceError."""
        try:
            request = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            raise ServiceError("SerializationException", "the body must be one JSON object")
        self._check(operation, request)
        return request

    async def handle(
        self, _method: str, _path: str, headers: dict[str, str], body: bytes, query: Json
    ) -> Response:
        """Serve one HTTP request of the JSON protocol."""
        operation = headers["x-amz-target"].partition(".")[2]
        try:
            request = self._read(operation, body)
            if random.random() < circumstances.current().throttled_share:  # noqa: S311 - no secret
                raise ServiceError("ThrottlingException", "Rate exceeded")
            for action, resource, context in self._permissions(operation, request):
                refusal = deny(action, resource, headers, query, service=self.name, context=context)
                if refusal:
                    return refusal
            # off the event loop: an operation may wait for a process to end
            return _answer(200, await asyncio.to_thread(self._operations[operation], request))
        except ServiceError as error:
            return _answer(error.status, {"__type": error.code, "message": str(error)})
        except CircumstancesError as error:
            return _answer(500, {"__type": "InternalFailure", "message": str(error)})


def _answer(status: int, document: Json) -> Response:
    body = json.dumps(document, default=_unserializable).encode()
    return status, {"Content-Type": "application/x-amz-json-1.1"}, body


def _unserializable(value: Any) -> Any:  # noqa: ANN401 - json's hook
    raise TypeError(f"an answer holds {value!r}, which JSON cannot carry")


def now() -> float:
    """Return the time as AWS JSON carries it: seconds since the epoch."""
    return round(time.time(), 3)
