"""The parameters of the fine-tuning jobs, as the jobs' own file describes them."""

import json
from collections.abc import Mapping
from math import inf
from types import MappingProxyType
from typing import Any

from sagemaker_llm.common.sources import JOBS

Value = str | int | float

_LIMITS = ("above", "at_least", "below")
_FILE = JOBS / "parameters" / "parameters.json"


def _as_text(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    """Return a flag as the text that it is in a job's request, and other values as they are."""
    return str(value) if isinstance(value, bool) else value


_DESCRIBED: dict[str, dict[str, dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8"))
_HYPERPARAMETERS = _DESCRIBED["hyperparameters"]

# Version 2.9.1 of JumpStart's training container for Mistral-7B.
JUMPSTART_DEFAULTS: Mapping[str, Value] = MappingProxyType(
    {name: _as_text(about["default"]) for name, about in _HYPERPARAMETERS.items()}
)

# The defaults of what else the jobs can be told.
OPTION_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {name: about["default"] for name, about in _DESCRIBED["options"].items()}
)

# The preparing job splits this off; the training job does not take it.
OF_PREPARATION = frozenset({"validation_split"})


def choices_of(name: str) -> tuple[str, ...]:
    """Return the texts that a hyperparameter may be, or nothing where it is no choice of texts."""
    about = _HYPERPARAMETERS[name]
    if isinstance(about["default"], bool):
        return ("True", "False")
    return tuple(choice for choice in about.get("choices", ()) if isinstance(choice, str))


def check_overrides(overrides: Mapping[str, Value]) -> None:
    """Raise ValueError for unknown names, wrong types or unsupported values."""
    for name, value in overrides.items():
        if name not in JUMPSTART_DEFAULTS:
            raise ValueError(
                f"hyperparameters must be of {', '.join(JUMPSTART_DEFAULTS)}, got {name!r}"
            )
        wanted = type(JUMPSTART_DEFAULTS[name])
        if type(value) is not wanted:
            raise ValueError(f"{name} must be of type {wanted.__name__}, got {value!r}")
        about = _HYPERPARAMETERS[name]
        choices = choices_of(name) or about.get("choices")
        if choices and value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")
        if isinstance(value, int | float) and not _is_in_range(value, about):
            limits = (
                f"{word.replace('_', ' ')} {about[word]}" for word in _LIMITS if word in about
            )
            other = f", or {about['or']}" if "or" in about else ""
            raise ValueError(f"{name} must be {' and '.join(limits)}{other}, got {value!r}")


def _is_in_range(value: float, about: Mapping[str, Any]) -> bool:
    return value == about.get("or") or (
        about.get("above", -inf) < value < about.get("below", inf)
        and value >= about.get("at_least", -inf)
    )
