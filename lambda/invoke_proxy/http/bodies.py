"""Request bodies: decoded into their types, or refused with what is wrong and where."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from invoke_proxy.http.errors import RequestError
from invoke_proxy.http.unreadable import UNREADABLE

MAX_BODY_BYTES = 1024 * 1024  # Several times the largest context of the catalog.

# OpenAI's parameters that not every server supports, or none, with the values that ask for nothing.
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
# TGI's, which not every server supports.
TGI_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "decoder_input_details": (False,),
    "top_n_tokens": (0,),
    "truncate": (),
    "typical_p": (),
    "watermark": (False,),
}

_UNKNOWN = "unknown parameter"
_MAX_NAMED = 10  # Parameters of one kind.

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


class Unsupported(msgspec.Struct, frozen=True):
    """What is refused in a body, or in an object in it, unless it asks for nothing."""

    server: str
    by_server: frozenset[str]
    neutral: Mapping[str, tuple[Any, ...]]
    path: str = ""

    def reason(self, name: str) -> str:
        """Return why a parameter is refused."""
        if name in self.by_server:
            return f"not supported by {self.server}, leave out:"
        return "not supported by this model, leave out:" if name in self.neutral else _UNKNOWN


def parse(
    body: bytes,
    request_type: type[_RequestType],
    unsupported: Unsupported,
    **nested: tuple[type[msgspec.Struct], Unsupported],
) -> _RequestType:
    """Return the body as its type; refuse unsupported and unknown parameters that are not `null`.

    `nested` are the fields whose own parameters are checked likewise, with their types.
    """
    try:
        fields = _fields.decode(body) or {}
        _refuse(fields, request_type, unsupported)
        request = _decode(body, request_type)
        for name, (nested_type, its_unsupported) in nested.items():
            if parameters := _fields.decode(fields.get(name, b"{}")):
                _refuse(parameters, nested_type, its_unsupported)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except UNREADABLE:
        raise RequestError("invalid_json") from None
    return request


def _invalid(problem: str) -> RequestError:
    problem = problem.replace(" - at `key` in `$", " as a key - at `$")
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


def _refuse(fields: dict[str, msgspec.Raw], known: type[Any], refused: Unsupported) -> None:
    """Refuse at once all that is not supported, and all that is unknown, by name."""
    names = sorted(
        name
        for name, raw in fields.items()
        if (name in refused.by_server or name not in known.__struct_fields__)
        and (value := msgspec.json.decode(raw)) is not None
        and value not in refused.neutral.get(name, ())
    )
    if not names:
        return
    by_reason: dict[str, list[str]] = {}
    for name in names:
        by_reason.setdefault(refused.reason(name), []).append(f"`{refused.path}{name}`")
    problems = [
        f"{reason} {_listed(by_reason[reason])}"
        for reason in sorted(by_reason, key=lambda each: each == _UNKNOWN)
    ]
    raise RequestError("unsupported_parameter", "; ".join(problems), f"{refused.path}{names[0]}")


def _listed(names: list[str]) -> str:
    left = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + left
