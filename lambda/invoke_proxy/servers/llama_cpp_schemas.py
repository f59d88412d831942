"""What llama.cpp's grammar skips of a JSON schema, without a word.

Its `json-schema-to-grammar` chooses one rule for each schema, by the first words that it looks for;
what that rule does not say, and a value that it cannot follow, it forgets.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# Where a schema has schemas: under names, in lists, or alone. All else, as `enum`, is data.
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "prefixItems", "items")
_SINGLE = ("items", "additionalProperties")

# The first of these that a schema has is its rule. Of `allOf` the grammar joins properties only.
_ALONE = ("$ref", "oneOf", "anyOf", "const", "enum")
_OF_ANY = frozenset({*_ALONE, "allOf", "not", "if", "$dynamicRef"})

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_NUMBER = frozenset({*_BOUNDS, "multipleOf", "format"})
# The words that restrict values of a type.
_OF: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        {
            *("properties", "additionalProperties", "required", "patternProperties"),
            *("propertyNames", "minProperties", "maxProperties", "unevaluatedProperties"),
            *("dependentRequired", "dependentSchemas", "dependencies"),
        }
    ),
    "array": frozenset(
        {
            *("items", "prefixItems", "minItems", "maxItems"),
            *("uniqueItems", "contains", "unevaluatedItems"),
        }
    ),
    "string": frozenset({"pattern", "format", "minLength", "maxLength"}),
    "integer": _NUMBER,
    "number": _NUMBER,
}
_WORDS = _OF_ANY.union(*_OF.values())

# The rules in their order: the type, the words that choose one, and those that it keeps beside.
_Rule = tuple[str, tuple[str, ...], tuple[str, ...]]
_IMPLYING: tuple[_Rule, ...] = (  # without a `type` too
    ("object", ("properties", "additionalProperties"), ("required",)),
    ("array", ("items",), ("minItems", "maxItems")),
    ("array", ("prefixItems",), ("minItems", "maxItems")),
    ("string", ("pattern",), ()),
    ("string", ("format",), ()),
)
_RULES: tuple[_Rule, ...] = (
    *_IMPLYING,
    ("string", ("minLength", "maxLength"), ()),
    ("integer", _BOUNDS, ()),
)

# So written these ask for nothing.
_NEUTRAL: Mapping[str, object] = {
    "additionalProperties": True,
    "minItems": 0,
    "minLength": 0,
    "minProperties": 0,
    "patternProperties": {},
    "required": [],
    "uniqueItems": False,
}

_FORMATS = ("date", "time", "date-time", "uuid", "uuid1", "uuid2", "uuid3", "uuid4", "uuid5")
# From ^ to $, with groups and classes, but no escape that stands for more than a sign.
_PATTERN = re.compile(
    r"\^(?:[^\\^$()\[\]]|\\[^0-9A-Za-z]|\((?:\?:)?(?!\?)|\)|\[\^?(?:[^\\\]]|\\[^0-9A-Za-z])*\])*\$"
)


def skipped(schema: object) -> str | None:
    """Return what the grammar would not keep of a schema or of any in it, in words."""
    rest = [schema]  # A list, as schemas may be deeper than Python goes.
    while rest:
        each = rest.pop()
        if isinstance(each, dict):
            if found := next(_skipped(each), None):
                return found
            rest += _within(each)
    return None


def _within(schema: dict[str, Any]) -> Iterator[object]:
    for name in _NAMED:
        if isinstance(named := schema.get(name), dict):
            yield from named.values()
    for name in _LISTED:
        if isinstance(listed := schema.get(name), list):
            yield from listed
    yield from (schema.get(name) for name in _SINGLE)


def _skipped(schema: dict[str, Any]) -> Iterator[str]:
    asked = [
        word
        for word in schema
        if word in _WORDS and not (word in _NEUTRAL and schema[word] == _NEUTRAL[word])
    ]
    yield from (f"this `{word}`" for word in asked if not _follows(word, schema))
    if alone := next((word for word in _ALONE if word in schema), None):
        yield from (f"`{word}` beside `{alone}`" for word in asked if word != alone)
        return
    yield from (f"`{word}`" for word in asked if word in _OF_ANY)
    if "type" not in schema:
        rule = _rule(_IMPLYING, asked)
        of = _OF[rule[0]] if rule else _WORDS
        yield from (f"`{word}` without a `type`" for word in _left(asked, of, rule))
        return
    given = schema["type"]
    for type_ in given if isinstance(given, list) else [given]:
        if isinstance(type_, str) and type_ in _OF:
            rule = _rule([each for each in _RULES if each[0] == type_], asked)
            yield from (f"`{word}` of type {type_}" for word in _left(asked, _OF[type_], rule))


def _rule(rules: Sequence[_Rule], asked: Sequence[str]) -> _Rule | None:
    return next((rule for rule in rules if any(word in asked for word in rule[1])), None)


def _left(asked: Sequence[str], of: frozenset[str], rule: _Rule | None) -> list[str]:
    """Return the words that restrict a type, but not in the rule."""
    return [word for word in asked if word in of and not (rule and word in rule[1] + rule[2])]


def _follows(word: str, schema: dict[str, Any]) -> bool:
    return word not in _FOLLOWED or _FOLLOWED[word](schema)


def _points_within(schema: dict[str, Any]) -> bool:
    return isinstance(ref := schema["$ref"], str) and ref.startswith("#/")


def _has_all_required(schema: dict[str, Any]) -> bool:
    required, named = schema["required"], schema.get("properties")
    known = named if isinstance(named, dict) else {}
    return isinstance(required, list) and all(
        isinstance(name, str) and name in known for name in required
    )


def _is_whole(schema: dict[str, Any]) -> bool:
    return isinstance(given := schema["pattern"], str) and bool(_PATTERN.fullmatch(given))


def _is_known_format(schema: dict[str, Any]) -> bool:
    return schema["format"] in _FORMATS


def _is_integer(word: str, beside: str | None = None) -> Callable[[dict[str, Any]], bool]:
    return lambda schema: type(schema[word]) is int and beside not in schema


def _fits_tuple(word: str, *, least: bool) -> Callable[[dict[str, Any]], bool]:
    """Return whether a number of items is kept: a tuple has as many as its list, and no others."""

    def fits(schema: dict[str, Any]) -> bool:
        count, items = schema[word], schema.get("items", schema.get("prefixItems"))
        if type(count) is not int or not isinstance(items, list):
            return type(count) is int
        return count <= len(items) if least else count >= len(items)

    return fits


# Whether the grammar follows the value of a word.
_FOLLOWED: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "$ref": _points_within,
    "required": _has_all_required,
    "pattern": _is_whole,
    "format": _is_known_format,
    "minimum": _is_integer("minimum"),
    "maximum": _is_integer("maximum"),
    "exclusiveMinimum": _is_integer("exclusiveMinimum", "minimum"),
    "exclusiveMaximum": _is_integer("exclusiveMaximum", "maximum"),
    "minLength": _is_integer("minLength"),
    "maxLength": _is_integer("maxLength"),
    "minItems": _fits_tuple("minItems", least=True),
    "maxItems": _fits_tuple("maxItems", least=False),
}
