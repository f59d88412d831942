"""The values that a pipeline execution's parameters take."""

from collections.abc import Callable
from typing import Any

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid

_TRUTHS = {"true": True, "false": False}
_READERS: dict[str, Callable[[str], Any]] = {
    "String": str,
    "Integer": int,
    "Float": float,
    "Boolean": lambda text: _TRUTHS[text.lower()],
}


def values(declared: dict[str, Json], given: list[Json]) -> Json:
    """Return each declared parameter's value; raises ServiceError for what does not fit."""
    texts = {item["Name"]: item["Value"] for item in given}
    if unknown := texts.keys() - declared.keys():
        raise invalid(
            f"the pipeline has no parameters {', '.join(sorted(unknown))}; "
            f"it has {', '.join(sorted(declared))}"
        )
    return {name: _value(parameter, texts.get(name)) for name, parameter in declared.items()}


def _value(parameter: Json, text: str | None) -> Any:  # noqa: ANN401 - JSON
    name = parameter["Name"]
    if text is not None:
        value = typed(name, parameter.get("Type", "String"), text)
    elif "DefaultValue" in parameter:
        value = parameter["DefaultValue"]
    else:
        raise invalid(f"the parameter {name} has no default and needs a value")
    allowed = parameter.get("EnumValues")
    if allowed and value not in allowed:
        raise invalid(f"parameter {name} must be one of {allowed}, got {value!r}")
    return value


def typed(name: str, type_name: str, text: str) -> Any:  # noqa: ANN401 - JSON
    """Return a text as a value of a definition's type; raises ServiceError when it is none."""
    try:
        return _READERS[type_name](text)
    except (ValueError, KeyError) as error:
        raise invalid(f"{name} must be of type {type_name}, got {text!r}") from error
