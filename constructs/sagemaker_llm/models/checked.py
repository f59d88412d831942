"""Settings that check themselves: each field is held to its declared type, range and pattern."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from allowed_values.rules import Pattern, Range, RefusedValueError, Rule, check, is_a, refused

# What an app declares its own settings with.
__all__ = ["Checked", "Pattern", "Range", "RefusedValueError", "hints", "rules_of"]

_PLAIN = (bool, int, float, str)


class Checked:
    """The base of frozen dataclasses whose `Annotated` fields carry rules.

    A field with a wrong value raises ValueError at construction. What the fields must be together
    is for the class's own `__post_init__`, after this one::

        @dataclass(frozen=True, kw_only=True)
        class Fleet(Checked):
            instances: Annotated[int, Range(at_least=1, at_most=10)] = 1
    """

    def __post_init__(self) -> None:
        settings: Any = type(self)
        for name, hint in hints(settings).items():
            _check(self._label(name), getattr(self, name), hint)

    def _label(self, field: str) -> str:
        """Return how an error names a field."""
        return field


@cache
def hints(settings: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a dataclass
    """Return the declared type of each field, with its rules."""
    declared = get_type_hints(settings, include_extras=True)
    return {each.name: declared[each.name] for each in fields(settings)}


def _check(name: str, value: Any, hint: Any) -> None:  # noqa: ANN401 - any value, any type
    kind, *rules = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        _check(name, value, _arm(name, value, arguments))
    elif origin is tuple:
        _check_type(name, value, tuple)
        for number, item in enumerate(value):
            _check(f"{name}[{number}]", item, arguments[0])
    elif origin is not None:
        _check_type(name, value, origin)
        for key, item in value.items():
            _check(f"each name of {name}", key, arguments[0])
            if arguments[1] in _PLAIN:  # other values are for the class's own check
                _check(f"{name}[{key!r}]", item, arguments[1])
    elif kind in _PLAIN:
        check(name, value, kind, rules)
    elif kind is not NoneType:
        _check_type(name, value, kind)


def _arm(name: str, value: Any, arms: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a type
    """Return the type of a union that a value is of."""
    for arm in arms:
        kind: Any = get_args(arm)[0] if get_origin(arm) is Annotated else arm
        if is_a(value, kind):
            return arm
    given = [arm for arm in arms if arm is not NoneType]
    if len(given) == 1:
        return given[0]  # its own error is the better one
    raise refused(name, " or ".join(_words(arm) for arm in arms), value)


def _check_type(name: str, value: Any, kind: Any) -> None:  # noqa: ANN401 - any value, any type
    # The CDK's interfaces are protocols, which cannot be asked at run time.
    if not getattr(kind, "_is_protocol", False) and not is_a(value, kind):
        raise refused(name, _words(kind), value)


def _words(hint: Any) -> str:  # noqa: ANN401 - a type
    kind: Any = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(map(str, kind.__members__))} of {kind.__name__}"
    return "None" if kind is NoneType else f"of type {kind.__name__}"


def rules_of(hint: Any) -> tuple[Rule, ...]:  # noqa: ANN401 - a type
    """Return the rules that stand anywhere in a field's type."""
    own = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return (*own, *(rule for part in get_args(hint) for rule in rules_of(part)))
