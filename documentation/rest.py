"""The reference of the REST API, from its OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from invoke_proxy.openapi import document

from .markdown import code, page, table

_Json = Mapping[str, Any]
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "minItems": "{} or more of them",
    "maxItems": "{} of them at most",
    "pattern": "matching {}",
}
_INTRODUCTION = """
Every route and type, from the OpenAPI document that a deployed API returns at `GET /openapi.json`
(with a key), as it is in front of TGI 1.1: [the other servers](../api.md#what-each-server-can-do)
accept more of some parameters and less of others. [The REST API](../api.md) says what the
parameters do, and lists the errors.
"""


def rest_page() -> str:
    """Return docs/reference/rest.md: the document in front of TGI 1.1."""
    described = document("tgi")
    return page(
        "REST reference",
        _INTRODUCTION,
        "## Routes",
        *(_operation(p, m, o) for p, each in described["paths"].items() for m, o in each.items()),
        "## Types",
        *(_schema(name, each) for name, each in described["components"]["schemas"].items()),
    )


def _operation(path: str, method: str, operation: _Json) -> str:
    answers = operation["responses"]["200"]["content"]
    lines = [f"### {method.upper()} {path}", "", operation["summary"], ""]
    if body := operation.get("requestBody"):
        lines.append(f"- Body: {_type(body['content']['application/json']['schema'])}")
    if whole := answers.get("application/json"):
        lines.append(f"- Answer: {_type(whole['schema'])}")
    if events := answers.get("text/event-stream"):
        lines.append(f"- Streamed, each event: {_type(events['itemSchema'])}")
    refused = [status for status in operation["responses"] if status != "200"]
    lines.append(
        f"- [Refused](../api.md#errors) with: {', '.join(refused)}"
        if refused
        else "- It needs no key."
    )
    return "\n".join(lines)


def _schema(name: str, schema: _Json) -> str:
    required = schema.get("required", ())
    taken, refused = [], []
    for field, each in schema["properties"].items():
        if "Not supported" in each.get("description", ""):
            refused.append(code(field))
        else:
            taken.append((code(field), _type(each), _default(field, each, required), _said(each)))
    parts = [f"### {name}", schema.get("description", "")]
    parts.append(table(("field", "type", "default", "bounds and meaning"), taken))
    if refused:
        parts.append(f"Accepted only with a value without effect: {', '.join(refused)}.")
    if schema.get("additionalProperties") is False:
        parts.append("Any other field is refused, unless it is `null`.")
    return "\n\n".join(part for part in parts if part)


def _type(schema: _Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[`{name}`](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(json.dumps(each)) for each in schema["enum"])
    kind = schema.get("type")
    inner = schema.get("items") or schema.get("additionalProperties")
    of = f" of {_type(inner)}" if isinstance(inner, Mapping) else ""
    words = "list" if kind == "array" else kind or "anything"
    return (" or ".join(words) if isinstance(words, list) else words) + of


def _default(field: str, schema: _Json, required: Any) -> str:  # noqa: ANN401 - JSON
    if field in required:
        return "required"
    return code(json.dumps(schema["default"])) if "default" in schema else ""


def _said(schema: _Json) -> str:
    return "; ".join(dict.fromkeys(_phrases(schema)))


def _phrases(schema: _Json) -> Iterator[str]:
    for part in (
        schema,
        *schema.get("anyOf", ()),
        *([schema["items"]] if "items" in schema else ()),
    ):
        for key, words in _BOUNDS.items():
            if key in part:
                yield words.format(code(part[key]) if key == "pattern" else part[key])
        if part is not schema and "items" in part:
            yield from _phrases(part)
        if "description" in part and "$ref" not in part:
            yield part["description"].rstrip(".")
