"""What a value is held to: a type, and a range, a choice or a pattern, in code and in words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

_WORDS: dict[type, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a finite number",
    str: "a text",
}
_MAX_SHOWN = 200


class RefusedValueError(ValueError):
    """A value is refused; the text says which, what was given and what is allowed."""


class Rule(Protocol):
    """What a value of one type must be; the rule's own text says it, after `must be`."""

    def allows(self, value: Any, /) -> bool:  # noqa: ANN401 - each rule has its own type
        """Return whether a value of the right type keeps the rule."""
        ...


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers between bounds; `unset` lies outside, and asks for the default."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    unset: float | None = None

    def allows(self, value: float, /) -> bool:
        """Return whether a number is within the bounds."""
        return value == self.unset or not (
            (self.at_least is not None and value < self.at_least)
            or (self.above is not None and value <= self.above)
            or (self.at_most is not None and value > self.at_most)
            or (self.below is not None and value >= self.below)
        )

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            bounds = [f"from {self.at_least} to {self.at_most}"]
        else:
            named = {
                "at least": self.at_least,
                "above": self.above,
                "at most": self.at_most,
                "below": self.below,
            }
            bounds = [f"{word} {bound}" for word, bound in named.items() if bound is not None]
        other = "" if self.unset is None else f", or {self.unset} for the default"
        return " and ".join(bounds) + other


@dataclass(frozen=True)
class Choice:
    """A few values."""

    choices: tuple[Any, ...]

    def allows(self, value: Any, /) -> bool:  # noqa: ANN401 - of the choices' type
        """Return whether a value is one of them."""
        return value in self.choices

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.choices))}"


@dataclass(frozen=True)
class Pattern:
    """Texts that match a regular expression as a whole, and what they are in words."""

    expression: str
    words: str

    def allows(self, value: str, /) -> bool:
        """Return whether all of a text matches."""
        return re.fullmatch(self.expression, value) is not None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Items:
    """Texts with commas between distinct items, each of which keeps a rule."""

    kind: type
    rule: Rule

    def allows(self, value: str, /) -> bool:
        """Return whether every item is allowed, and none is there twice."""
        items = value.split(",")
        try:
            read = [read_text("item", item, self.kind) for item in items]
        except RefusedValueError:
            return False
        return len(set(read)) == len(items) and all(map(self.rule.allows, read))

    def __str__(self) -> str:
        return f"different items with commas between them, each {self.rule}"


def check(name: str, value: Any, kind: type, rules: Sequence[Rule] = ()) -> None:  # noqa: ANN401
    """Raise RefusedValueError for a value that is not of the type, or breaks a rule."""
    if not is_a(value, kind):
        raise refused(name, _WORDS.get(kind, f"a {kind.__name__}"), value)
    for rule in rules:
        if not rule.allows(value):
            raise refused(name, rule, value)


def is_a(value: Any, kind: type) -> bool:  # noqa: ANN401 - whatever was given
    """Return whether a value is of a type; a flag is no number, and neither is infinity."""
    if kind is float:
        return type(value) is int or (isinstance(value, float) and isfinite(value))
    if kind is int:
        return type(value) is int
    return isinstance(value, kind)


def refused(name: str, allowed: object, value: Any) -> RefusedValueError:  # noqa: ANN401
    """Return the error for a refused value."""
    return RefusedValueError(f"{name} must be {allowed}, got {shown(value)}")


def shown(value: Any) -> str:  # noqa: ANN401 - whatever was given
    """Return what was given, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


_FLAGS = {"True": True, "False": False}
# As SageMaker reads a parameter: Python would also take other digits, blanks and underscores.
_NUMBERS: dict[type, tuple[str, Callable[[str], float]]] = {
    int: (r"[+-]?[0-9]{1,18}", int),
    float: (r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", float),
}


def read_text(name: str, text: str, kind: type) -> Any:  # noqa: ANN401 - of that type
    """Return the value of a text; raise RefusedValueError for one of another type."""
    if kind is bool and text in _FLAGS:
        return _FLAGS[text]
    if kind in _NUMBERS and re.fullmatch(_NUMBERS[kind][0], text):
        return _NUMBERS[kind][1](text)
    if kind is str:
        return text
    raise refused(name, _WORDS[kind], text)
