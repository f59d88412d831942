"""The jobs' parameters: defaults, ranges and choices, in the one file that synth reads too.

`hyperparameters` are JumpStart's names and defaults for Mistral-7B, version 2.9.1; `options` are
the project's own.
"""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from math import inf
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a parameter is when it is not given, and what it may be."""

    default: Any
    choices: tuple[Any, ...] = ()
    above: float = -inf
    at_least: float = -inf
    below: float = inf
    unset: float | None = None  # outside the range: asks for the job's own default

    def allows(self, value: Any) -> bool:  # noqa: ANN401 - of the default's type
        """Return whether a value of the default's type is allowed."""
        if self.choices:
            return value in self.choices
        if isinstance(value, str) or value == self.unset:
            return True
        return bool(self.above < value < self.below and value >= self.at_least)

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        lower = "positive" if self.above == 0 else f"at least {self.at_least:g}"
        upper = "" if self.below == inf else f" and below {self.below:g}"
        other = "" if self.unset is None else f", or {self.unset:g} for the default"
        return lower + upper + other


def _read() -> dict[str, Parameter]:
    described = json.loads((files(__name__) / "parameters.json").read_text(encoding="utf-8"))
    return {
        name: Parameter(
            choices=tuple(about.pop("choices", ())), unset=about.pop("or", None), **about
        )
        for section in described.values()
        for name, about in section.items()
    }


PARAMETERS: Mapping[str, Parameter] = _read()


def reader(name: str) -> Callable[[str], Any]:
    """Return what reads a parameter's text; it raises ArgumentTypeError for a refused value."""
    parameter = PARAMETERS[name]
    kind = type(parameter.default)

    def read(text: str) -> Any:  # noqa: ANN401 - of the default's type
        value = kind(text)
        if not parameter.allows(value):
            raise ArgumentTypeError(f"must be {parameter.allowed}, got {text}")
        return value

    read.__name__ = kind.__name__  # argparse names it for a text that is no such value
    return read
