"""SageMaker's errors, mapped to the codes of `KINDS`."""

import msgspec

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.model_status import code_of_status
from invoke_proxy.http.unreadable import UNREADABLE

# The errors that the service model of the SageMaker runtime lists, and those of every service.
_BY_CODE = {
    "InternalDependencyException": "endpoint_error",
    "InternalFailure": "endpoint_error",
    "InternalStreamFailure": "endpoint_error",
    "ModelNotReadyException": "endpoint_updating",
    "ModelStreamError": "stream_interrupted",
    "ServiceUnavailable": "endpoint_unavailable",
    "ServiceUnavailableException": "endpoint_unavailable",
    "Throttling": "endpoint_throttled",
    "ThrottlingException": "endpoint_throttled",
    "TooManyRequestsException": "endpoint_throttled",
}

# A ValidationError says only in its message what is wrong. Unverified: the wordings, which are from
# public threads.
_BY_VALIDATION_MESSAGE = {
    "not found": "endpoint_not_found",
    "no capacity": "no_capacity",
    "inservice": "endpoint_updating",
    "in service": "endpoint_updating",
    "length less than or equal": "request_too_large",
}

_NO_ANSWER = 0  # The status of a container that did not answer in time.
_TOO_LARGE = 413
_SERVER_SIDE = 500


class ServiceError(msgspec.Struct, rename="pascal"):
    """The body of the SageMaker runtime's errors, in answers and in streams."""

    message: str = ""
    original_status_code: int | None = None
    error_code: str | None = None


def service_fault(code: str, status: int, body: bytes) -> EndpointError:
    """Return the fault for SageMaker's error, without any of its text."""
    try:
        error = msgspec.json.decode(body, type=ServiceError)
    except UNREADABLE:
        error = ServiceError()
    return EndpointError(_kind(code, status, error), upstream=code)


def _kind(code: str, status: int, error: ServiceError) -> str:
    if code == "ModelError":
        original = error.original_status_code
        return "timeout" if original == _NO_ANSWER else code_of_status(original)
    if code == "ModelStreamError" and error.error_code == "ModelInvocationTimeExceeded":
        return "timeout"
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == _TOO_LARGE:
        return "request_too_large"
    if code in {"ValidationError", "ValidationException"}:
        message = error.message.lower()
        kinds = (kind for text, kind in _BY_VALIDATION_MESSAGE.items() if text in message)
        return next(kinds, "endpoint_refused")
    return "endpoint_error" if status >= _SERVER_SIDE else "endpoint_refused"
