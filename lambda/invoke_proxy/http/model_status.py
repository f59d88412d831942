"""What a model server's status means, before its first byte and amid its answer: one table."""

from http import HTTPStatus

_CODES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "model_refused",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "model_refused",
    HTTPStatus.TOO_MANY_REQUESTS: "model_overloaded",
    HTTPStatus.NOT_IMPLEMENTED: "model_refused",  # llama.cpp
    HTTPStatus.SERVICE_UNAVAILABLE: "endpoint_unavailable",
}


def code_of_status(status: int | None) -> str:
    """Return the key of `KINDS` for a server's status, which its error may name."""
    return _CODES.get(status or 0, "model_error")
