"""The parameters of the fine-tuning jobs, as the jobs' own file describes them."""

from collections.abc import Mapping
from types import MappingProxyType

from allowed_values.parameters import HYPERPARAMETERS, PARAMETERS
from allowed_values.rules import RefusedValueError, refused

Value = str | int | float

# Version 2.9.1 of JumpStart's training container for Mistral-7B. A flag is the text that it is in a
# job's request.
JUMPSTART_DEFAULTS: Mapping[str, Value] = MappingProxyType(
    {
        name: str(default) if isinstance(default := PARAMETERS[name].default, bool) else default
        for name in HYPERPARAMETERS
    }
)

# The preparing job splits this off; the training job does not take it.
OF_PREPARATION = frozenset({"validation_split"})


def choices_of(name: str) -> tuple[str, ...]:
    """Return the texts that a hyperparameter may be, or nothing where it is no choice of texts."""
    parameter = PARAMETERS[name]
    if parameter.kind is bool:
        return ("True", "False")
    return tuple(choice for choice in parameter.choices if isinstance(choice, str))


def as_default(name: str, value: Value) -> Value:
    """Return a value of the default's type: a whole number may be given for any other."""
    return float(value) if PARAMETERS[name].kind is float else value


def check_overrides(overrides: Mapping[str, Value]) -> None:
    """Raise ValueError for unknown names, wrong types or unsupported values."""
    for name, value in overrides.items():
        if name not in JUMPSTART_DEFAULTS:
            raise RefusedValueError(
                f"overrides must be of {', '.join(JUMPSTART_DEFAULTS)}, got {name!r}"
            )
        if PARAMETERS[name].kind is not bool:
            PARAMETERS[name].check(value)
        elif value not in {"True", "False"} or not isinstance(value, str):
            raise refused(name, "the text 'True' or 'False'", value)
