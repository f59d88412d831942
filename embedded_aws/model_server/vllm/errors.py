"""vLLM's errors: one shape, with the status as its code."""

from http import HTTPStatus
from typing import Any


class VllmError(Exception):
    """A refusal, or a failure: the body of an answer, or an event in a stream."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        kind: str = "BadRequestError",
    ) -> None:
        super().__init__(message)
        self.status = status
        error = {"message": message, "type": kind, "param": param, "code": status.value}
        self.body: dict[str, Any] = {"error": error}


def not_found(message: str, param: str | None = None) -> VllmError:
    """Return the error for what is not there: a model, or an adapter."""
    return VllmError(message, param, status=HTTPStatus.NOT_FOUND, kind="NotFoundError")


def failed(reason: str) -> VllmError:
    """Return the error for a generation that failed."""
    return VllmError(reason, status=HTTPStatus.INTERNAL_SERVER_ERROR, kind="InternalServerError")


def of_http(status: int, detail: str, param: str | None = None) -> VllmError:
    """Return the error of the web framework beneath, whose kind is the status's phrase."""
    known = HTTPStatus(status)
    return VllmError(detail, param, status=known, kind=known.phrase)
