"""Each parameter: its default, and what it may be, from the one file that describes them.

`hyperparameters` are JumpStart's names and defaults for Mistral-7B, version 2.9.1; `options` are
the project's own. A parameter without a default must be given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from allowed_values.instances import INSTANCES_FOR
from allowed_values.rules import (
    Choice,
    Items,
    Pattern,
    Range,
    RefusedValueError,
    Rule,
    check,
    read_text,
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a parameter is when it is not given, and what it may be."""

    name: str
    default: Any
    kind: type
    rules: tuple[Rule, ...]

    @property
    def choices(self) -> tuple[Any, ...]:
        """The few values that it may be, or nothing where they are not few."""
        if self.kind is bool:
            return (True, False)
        return next((rule.choices for rule in self.rules if isinstance(rule, Choice)), ())

    def check(self, value: Any) -> None:  # noqa: ANN401 - whatever was given
        """Raise RefusedValueError for a value that is refused."""
        check(self.name, value, self.kind, self.rules)

    def read(self, text: str) -> Any:  # noqa: ANN401 - of the parameter's type
        """Return the value of a text; raise RefusedValueError where it is refused."""
        value = read_text(self.name, text, self.kind)
        self.check(value)
        return value


def _rules(about: Mapping[str, Any]) -> tuple[Rule, ...]:
    bounds = {
        name: about[name] for name in ("at_least", "above", "at_most", "below") if name in about
    }
    found: list[Rule] = []
    if bounds:
        found.append(Range(**bounds, unset=about.get("or")))
    if "choices" in about:
        found.append(Choice(tuple(about["choices"])))
    if "pattern" in about:
        found.append(Pattern(about["pattern"], about["words"]))
    if "instances_for" in about:
        found.append(INSTANCES_FOR[about["instances_for"]])
    if "items" in about:
        (rule,) = _rules(about["items"])
        found.append(Items(str if "choices" in about["items"] else int, rule))
    return tuple(found)


_DESCRIBED: Mapping[str, Mapping[str, Any]] = json.loads(
    (files(__package__) / "parameters.json").read_text(encoding="utf-8")
)

PARAMETERS: Mapping[str, Parameter] = {
    name: Parameter(
        name=name,
        default=about.get("default"),
        kind=type(about.get("default", "")),
        rules=_rules(about),
    )
    for section in _DESCRIBED.values()
    for name, about in section.items()
}

# In the order of JumpStart's.
HYPERPARAMETERS = tuple(_DESCRIBED["hyperparameters"])


def name_of(pipeline_parameter: str) -> str:
    """Return the name of a pipeline's parameter here: `min_loss_reduction` of MinLossReduction."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", pipeline_parameter).lower()


def read_values(values: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return the named parameters, of which some are given as texts; raise RefusedValueError."""
    wanted = tuple(names)
    if unknown := sorted(values.keys() - wanted):
        raise RefusedValueError(
            f"parameters must be of {', '.join(wanted)}, got {', '.join(unknown)}"
        )
    missing = [n for n in wanted if n not in values and PARAMETERS[n].default is None]
    if missing:
        raise RefusedValueError(f"{', '.join(missing)} must be given")
    return {
        name: PARAMETERS[name].read(values[name]) if name in values else PARAMETERS[name].default
        for name in wanted
    }
