"""The parameters of an execution, checked against the deployed pipeline before anything runs."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from operate.environment import Client

_MAX_TEXT = 256  # A job's argument, and what the registry keeps of a model.
_NUMBERS: dict[str, Callable[[str], float]] = {"Integer": int, "Float": float}
# What has an option of its own.
_OPTIONS = {"InputDataUri": "DATA", "Mode": "MODE", "instruction_tuned": "MODE"}

Declared = dict[str, dict[str, Any]]


def pipeline_definition(sagemaker: Client, pipeline: str) -> dict[str, Any]:
    """Return the deployed pipeline's definition."""
    described = sagemaker.describe_pipeline(PipelineName=pipeline)
    definition: dict[str, Any] = json.loads(described["PipelineDefinition"])
    return definition


def registered_image(definition: Mapping[str, Any]) -> str:
    """Return the repository of the image that the pipeline registers its models for."""
    (gate,) = (step for step in definition["Steps"] if step["Name"] == "Gate")
    (register,) = (s for s in gate["Arguments"]["IfSteps"] if s["Name"] == "Register")
    (container,) = register["Arguments"]["InferenceSpecification"]["Containers"]
    return re.split("[:@]", str(container["Image"]).partition("/")[2])[0]


def declared_parameters(definition: Mapping[str, Any]) -> Declared:
    """Return the parameters that a pipeline declares, by name."""
    return {p["Name"]: p for p in definition["Parameters"]}


def check_values(values: Mapping[str, str], declared: Declared) -> None:
    """Raise SystemExit for unknown names, and for values of another type or choice."""
    for name, value in values.items():
        if name not in declared:
            raise SystemExit(f"SET must name one of {', '.join(sorted(declared))}, got {name!r}")
        if option := _OPTIONS.get(name):
            raise SystemExit(f"SET must not name {name}: {option} says it, got {value!r}")
        kind, choices = declared[name]["Type"], declared[name].get("EnumValues")
        if not _is_a(kind, value):
            raise SystemExit(f"{name} must be of type {kind}, got {value!r}")
        if choices and value not in map(str, choices):
            raise SystemExit(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def check_lengths(values: Mapping[str, str]) -> None:
    """Raise SystemExit for values that neither a job nor the registry could take."""
    for name, value in values.items():
        if len(value) > _MAX_TEXT:
            raise SystemExit(f"{name} must have at most {_MAX_TEXT} characters, got {value}")


def job_arguments(definition: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the arguments of the preparing job, as the deployed pipeline would write them.

    They are the values of all jobs. With them go those that no job takes, such as the gate's, under
    the pipeline's names: the job's own code checks them all.
    """
    declared = declared_parameters(definition)
    defaults = {n: p["DefaultValue"] for n, p in declared.items() if "DefaultValue" in p}
    (prepare,) = (step for step in definition["Steps"] if step["Name"] == "Prepare")
    words = prepare["Arguments"]["AppSpecification"]["ContainerArguments"]
    chosen = {**defaults, **values}
    checked = [n for n in chosen if n in values or n.endswith("InstanceType")]
    return [
        *(_filled(word, chosen) for word in words),
        *(f"--{n}={chosen[n]}" for n in checked if "EnumValues" not in declared.get(n, {})),
    ]


def _filled(word: Any, values: Mapping[str, Any]) -> str:  # noqa: ANN401 - a text or a function of it
    if isinstance(word, str):
        return word
    if "Std:Join" in word:
        parts = (_filled(part, values) for part in word["Std:Join"]["Values"])
        return str(word["Std:Join"]["On"]).join(parts)
    return str(values[word["Get"].removeprefix("Parameters.")])


def _is_a(kind: str, value: str) -> bool:
    try:
        _NUMBERS.get(kind, len)(value)
    except ValueError:
        return False
    return True
