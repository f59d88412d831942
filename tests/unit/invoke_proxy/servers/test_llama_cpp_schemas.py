"""What llama.cpp's grammar would skip of a JSON schema is found before it does."""

from typing import Any

import pydantic
import pytest

from invoke_proxy.servers.llama_cpp_schemas import skipped

KEPT: list[dict[str, Any]] = [
    {},
    {"description": "anything", "title": "x", "default": {"not": 1}, "x-more": {"not": 1}},
    {"type": "integer", "minimum": 0, "exclusiveMaximum": 7},
    {"type": ["integer", "null"], "minimum": 0},
    {"type": ["string", "null"], "minLength": 1, "maxLength": 9},
    {"type": "string", "format": "date-time"},
    {"format": "uuid4"},
    {"type": "string", "pattern": r"^(?:[a-z]{2}|\$[^x$]?)+\.$"},
    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    {"type": "array", "prefixItems": [{"type": "string"}, {}], "minItems": 2, "maxItems": 2},
    {"type": "array", "uniqueItems": False, "minItems": 0},
    {"type": "object", "additionalProperties": True, "patternProperties": {}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]},
    {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
    {"oneOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"const": 1}}, "discriminator": {}},
    {"$ref": "#/definitions/A", "definitions": {"A": {"enum": [1], "type": "integer"}}},
    # What says what a word means is no schema itself.
    {"enum": [{"pattern": "x"}, {"not": {}}]},
    {"const": {"pattern": "x", "minimum": 1}},
    {"type": "string", "examples": [{"format": "email"}]},
    {"properties": {"pattern": {}, "not": {"type": "string"}, "minimum": {"type": "integer"}}},
    {"$defs": {"if": {"type": "string"}}},
]
SKIPPED: list[tuple[dict[str, Any], str]] = [
    ({"type": "number", "minimum": 5, "maximum": 6}, "`minimum` of type number"),
    ({"type": ["number", "null"], "exclusiveMinimum": 5}, "`exclusiveMinimum` of type number"),
    ({"type": "integer", "multipleOf": 5}, "`multipleOf` of type integer"),
    ({"type": "integer", "minimum": 1.5}, "this `minimum`"),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": 2}, "this `exclusiveMinimum`"),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "this `exclusiveMinimum`"),
    ({"type": "integer", "format": "int32"}, "this `format`"),
    ({"minimum": 5}, "`minimum` without a `type`"),
    ({"minLength": 5}, "`minLength` without a `type`"),
    ({"type": "string", "format": "email"}, "this `format`"),
    ({"type": "string", "format": ["uri"]}, "this `format`"),
    ({"type": "string", "pattern": "a"}, "this `pattern`"),
    ({"type": "string", "pattern": ""}, "this `pattern`"),
    ({"type": "string", "pattern": "^a"}, "this `pattern`"),
    ({"type": "string", "pattern": r"^a\$"}, "this `pattern`"),
    ({"type": "string", "pattern": r"^\d+$"}, "this `pattern`"),
    ({"type": "string", "pattern": r"^[\w]+$"}, "this `pattern`"),
    ({"type": "string", "pattern": "^(?=a)b$"}, "this `pattern`"),
    ({"type": "string", "pattern": "^(a$|b)$"}, "this `pattern`"),
    ({"type": "string", "pattern": 7}, "this `pattern`"),
    ({"type": "string", "pattern": "^a$", "maxLength": 2}, "`maxLength` of type string"),
    ({"type": "string", "format": "date", "pattern": "^a$"}, "`format` of type string"),
    ({"type": "string", "minLength": 2.5}, "this `minLength`"),
    ({"type": "array", "items": {}, "uniqueItems": True}, "`uniqueItems` of type array"),
    ({"type": "array", "items": {}, "contains": {}}, "`contains` of type array"),
    ({"type": "array", "items": {}, "prefixItems": [{}]}, "`prefixItems` of type array"),
    ({"type": "array", "minItems": 3}, "`minItems` of type array"),
    ({"type": "array", "prefixItems": [{}], "minItems": 2}, "this `minItems`"),
    ({"type": "array", "items": [{}], "maxItems": 0}, "this `maxItems`"),
    ({"type": "object", "required": ["a"]}, "this `required`"),
    ({"properties": {"a": {}}, "required": ["b"]}, "this `required`"),
    ({"properties": {"a": {}}, "required": [{}]}, "this `required`"),
    ({"type": "object", "minProperties": 1}, "`minProperties` of type object"),
    ({"type": "object", "patternProperties": {"a": {}}}, "`patternProperties` of type object"),
    ({"properties": {}, "propertyNames": {}}, "`propertyNames` without a `type`"),
    ({"not": {"type": "string"}}, "`not`"),
    ({"if": {}, "then": {}}, "`if`"),
    ({"allOf": [{"$ref": "#/$defs/A"}]}, "`allOf`"),
    ({"$ref": "https://example.com/schema"}, "this `$ref`"),
    ({"$ref": "#/$defs/A", "minLength": 1}, "`minLength` beside `$ref`"),
    ({"anyOf": [{}], "properties": {}}, "`properties` beside `anyOf`"),
    ({"oneOf": [{}], "anyOf": [{}]}, "`anyOf` beside `oneOf`"),
    ({"enum": ["a"], "minLength": 1}, "`minLength` beside `enum`"),
]


@pytest.mark.parametrize("schema", KEPT, ids=str)
def test_nothing_is_skipped_of_a_schema_that_the_grammar_follows(schema: dict[str, Any]) -> None:
    assert skipped(schema) is None


@pytest.mark.parametrize(("schema", "words"), SKIPPED, ids=str)
def test_what_the_grammar_would_skip_is_named(schema: dict[str, Any], words: str) -> None:
    assert skipped(schema) == words


@pytest.mark.parametrize(
    "around",
    [
        lambda schema: {"properties": {"a": schema}},
        lambda schema: {"additionalProperties": schema},
        lambda schema: {"items": schema},
        lambda schema: {"prefixItems": [{}, schema]},
        lambda schema: {"anyOf": [{}, schema]},
        lambda schema: {"oneOf": [schema]},
        lambda schema: {"$ref": "#/$defs/A", "$defs": {"A": schema}},
    ],
)
def test_schemas_within_schemas_are_searched(around: Any) -> None:
    schema: dict[str, Any] = {"not": {}}
    for _ in range(5_000):
        schema = around(schema)
    assert skipped(schema) == "`not`"


class Place(pydantic.BaseModel):
    """A place, with what clients use most."""

    city: str = pydantic.Field(min_length=1)
    people: int | None = pydantic.Field(default=None, ge=0)
    near: list["Place"] = []
    at: tuple[float, float]
    more: dict[str, str]


def test_a_class_of_pydantics_is_followed() -> None:
    assert skipped(Place.model_json_schema()) is None
