"""The parameters of an execution, checked against the deployed pipeline before anything runs."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from operate.environment import Client

_KEPT_WITH_THE_MODEL = {"InputDataUri", "BaseModelUri", "BaseModelId"}
_MAX_METADATA = 256  # The registry's limit, which registration would meet after the training.
_NUMBERS: dict[str, Callable[[str], float]] = {"Integer": int, "Float": float}

Declared = dict[str, dict[str, Any]]


def declared_parameters(sagemaker: Client, pipeline: str) -> Declared:
    """Return the parameters that the deployed pipeline declares, by name."""
    described = sagemaker.describe_pipeline(PipelineName=pipeline)
    return {p["Name"]: p for p in json.loads(described["PipelineDefinition"])["Parameters"]}


def check_values(values: Mapping[str, str], declared: Declared) -> None:
    """Raise SystemExit for unknown names, and for values of another type or choice."""
    for name, value in values.items():
        if name not in declared:
            raise SystemExit(f"SET must name one of {', '.join(sorted(declared))}, got {name!r}")
        kind, choices = declared[name]["Type"], declared[name].get("EnumValues")
        if not _is_a(kind, value):
            raise SystemExit(f"{name} must be of type {kind}, got {value!r}")
        if choices and value not in map(str, choices):
            raise SystemExit(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def check_lengths(values: Mapping[str, str]) -> None:
    """Raise SystemExit for values that the registry could not keep with the model."""
    for name in _KEPT_WITH_THE_MODEL & values.keys():
        if len(values[name]) > _MAX_METADATA:
            raise SystemExit(
                f"{name} must have at most {_MAX_METADATA} characters, which the registry keeps,"
                f" got {values[name]}"
            )


def _is_a(kind: str, value: str) -> bool:
    try:
        _NUMBERS.get(kind, len)(value)
    except ValueError:
        return False
    return True
