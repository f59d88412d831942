"""The reference of the settings: every dataclass that a person writes, and every parameter."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

import sagemaker_llm
from allowed_values.parameters import HYPERPARAMETERS, PARAMETERS
from sagemaker_llm.models.checked import hints, rules_of
from stacks.environment import Environment

from .markdown import code, page, table
from .sources import field_comments, member_comments, summary

_FIELDS = ("field", "type", "default", "must be", "what it is")
_PARAMETERS = ("parameter", "default", "must be")
_INTRODUCTION = """
Every field of the dataclasses that [`stacks/environments.py`](../../stacks/environments.py), or
an app of your own, uses. [What a configuration may be](../configuration.md) says how they are
checked, and the rules between them.
"""
_OF_AN_EXECUTION = """
`TuningSettings` gives the defaults of an environment: JumpStart's hyperparameters are in its
`overrides`, the others are fields of it. `make finetune SET=` changes any of them for one
execution.
"""


def settings_page() -> str:
    """Return docs/reference/settings.md."""
    classes = sorted(settings(), key=lambda each: (each is not Environment, each.__name__))
    return page(
        "Settings",
        _INTRODUCTION,
        *(_section(each) for each in classes),
        "## Choices",
        table(("of", "choice", "what it is"), _choices(classes)),
        "## Parameters of a fine-tuning",
        _OF_AN_EXECUTION,
        "### JumpStart's hyperparameters",
        table(_PARAMETERS, (_parameter(name) for name in HYPERPARAMETERS)),
        "### The project's own",
        table(_PARAMETERS, (_parameter(n) for n in PARAMETERS if n not in HYPERPARAMETERS)),
    )


def settings() -> Iterator[Any]:
    """Yield every dataclass that a user of the library or of `stacks/` writes."""
    for public in map(vars(sagemaker_llm).__getitem__, sagemaker_llm.__all__):
        if isinstance(public, type) and dataclasses.is_dataclass(public):
            yield public
    yield Environment


@cache
def _classes() -> frozenset[Any]:
    return frozenset(settings())


def _section(of: Any) -> str:  # noqa: ANN401 - a dataclass
    comments = field_comments(of)
    rows = [
        (
            code(field.name),
            _type(hints(of)[field.name]),
            _default(field),
            ", ".join(str(rule) for rule in rules_of(hints(of)[field.name])),
            comments.get(field.name, ""),
        )
        for field in dataclasses.fields(of)
    ]
    return f"## {of.__name__}\n\n{summary(of)}\n\n{table(_FIELDS, rows)}"


def _type(hint: Any) -> str:  # noqa: ANN401 - a type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in {Union, UnionType}:
        return " or ".join(_type(each) for each in arguments)
    if origin is tuple:
        return f"tuple of {_type(arguments[0])}"
    if origin is Mapping:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    name = str(getattr(hint, "__name__", hint))
    if hint in _classes():
        return f"[`{name}`](#{name.lower()})"
    return "None" if hint is NoneType else code(name)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        made = getattr(field.default_factory, "__name__", "")
        return code({"dict": "{}", "tuple": "()"}.get(made, f"{made}()"))
    return "required" if field.default is dataclasses.MISSING else code(_named(field.default))


def _named(value: object) -> str:
    """Return a default as a person would write it: by its public name, if it has one."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    for name in sagemaker_llm.__all__:
        if vars(sagemaker_llm)[name] is value:
            return name
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}(...)"
    return "{}" if isinstance(value, Mapping) and not value else repr(value)


def _choices(classes: list[Any]) -> Iterator[tuple[str, str, str]]:
    found = {
        e.__name__: e for each in classes for hint in hints(each).values() for e in _enums(hint)
    }
    for name, choices in sorted(found.items()):
        comments = member_comments(choices)
        for member in choices:
            yield code(name), code(member.name), comments.get(member.name, "")


def _enums(hint: Any) -> Iterator[type[Enum]]:  # noqa: ANN401 - a type
    if (
        isinstance(hint, type)
        and issubclass(hint, Enum)
        and not hint.__module__.startswith("aws_cdk")
    ):
        yield hint
    for part in get_args(hint):
        yield from _enums(part)


def _parameter(name: str) -> tuple[str, str, str]:
    parameter = PARAMETERS[name]
    default = "" if parameter.default is None else code(parameter.default)
    may_be = ", ".join(map(str, parameter.rules)) or "True or False"
    return code(name), default or "the environment's", may_be
