"""Request bodies: decoded into their types, or refused with what is wrong and where."""

import re
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from invoke_proxy.http.errors import RequestError
from invoke_proxy.http.unreadable import UNREADABLE

MAX_BODY_BYTES = 1024 * 1024  # Several times the largest context of the catalog.

# Parameters that TGI 1.1 does not support, with the values that ask for nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "frequency_penalty": (0,),
    "function_call": ("auto", "none"),
    "functions": ([],),
    "logit_bias": ({}, []),
    "modalities": (["text"],),
    "moderation": (),
    "parallel_tool_calls": (True, False),
    "prediction": (),
    "presence_penalty": (0,),
    "reasoning_effort": ("none",),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "suffix": ("",),
    "tool_choice": ("auto", "none"),
    "tools": ([],),
    "verbosity": ("medium",),
    "web_search_options": (),
}

_MAX_NAMED = 10  # Of the unknown parameters.

_RequestType = TypeVar("_RequestType")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`")


async def read(request: Request) -> bytes:
    """Return the body; refuse one that is too large without buffering all of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            # In the words by which clients know a prompt that is too long.
            problem = f"the prompt is too long: the body must have at most {MAX_BODY_BYTES} bytes"
            raise RequestError("request_too_large", problem)
    return bytes(body)


def parse(
    body: bytes, request_type: type[_RequestType], **nested: type[msgspec.Struct]
) -> _RequestType:
    """Return the body as its type; refuse unknown parameters unless they are `null`.

    `nested` are the fields whose own parameters are checked likewise, with their types.
    """
    try:
        fields = _fields.decode(body) or {}
        _refuse_unknown(fields, request_type)
        request = _decode(body, request_type)
        for name, nested_type in nested.items():
            if parameters := _fields.decode(fields.get(name, b"{}")):
                _refuse_unknown(parameters, nested_type, f"{name}.")
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except UNREADABLE:
        raise RequestError("invalid_json") from None
    return request


def _invalid(problem: str) -> RequestError:
    problem, _, path = problem.partition(" - at `$")
    param = path.strip("`").removeprefix(".")
    if missing := _MISSING_FIELD.search(problem):
        param = f"{param}.{missing[1]}" if param else missing[1]
    where = f" at `{param}`" if param else ""
    return RequestError("invalid_request", f"{problem}{where}", param or None)


def _decode(body: bytes, request_type: type[_RequestType]) -> _RequestType:
    try:
        return msgspec.json.decode(body, type=request_type)
    except msgspec.ValidationError:
        # Some clients compute with floats only, and write 16 as 16.0.
        return msgspec.convert(_whole(msgspec.json.decode(body)), request_type)


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value with every float that is a whole number as an int."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


def _refuse_unknown(fields: dict[str, msgspec.Raw], known: type[Any], path: str = "") -> None:
    """Refuse at once all that is not supported, and all that is unknown, by name."""
    refused = sorted(
        name
        for name, raw in fields.items()
        if name not in known.__struct_fields__
        and (value := msgspec.json.decode(raw)) is not None
        and value not in NEUTRAL.get(name, ())
    )
    if not refused:
        return
    known_names = [f"`{path}{name}`" for name in refused if name in NEUTRAL]
    others = [f"`{path}{name}`" for name in refused if name not in NEUTRAL]
    problems = []
    if known_names:
        problems.append(f"not supported by this model, leave out: {', '.join(known_names)}")
    if others:
        left = f" and {len(others) - _MAX_NAMED} more" if len(others) > _MAX_NAMED else ""
        problems.append(f"unknown parameter {', '.join(others[:_MAX_NAMED])}{left}")
    raise RequestError("unsupported_parameter", "; ".join(problems), f"{path}{refused[0]}")
