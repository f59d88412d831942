"""A pipeline's definition: its parameters, its steps and what they wait for, checked as a whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid

_VERSION = "2020-12-01"
_STEP_TYPES = (
    "Processing",
    "Training",
    "RegisterModel",
    "Model",
    "Condition",
    "Callback",
    "Lambda",
    "Fail",
)
_CACHED_TYPES = ("Processing", "Training")  # for Lambda steps, what is compared is not documented
_TARGETS = {"Callback": "SqsQueueUrl", "Lambda": "FunctionArn"}  # members beside the arguments
_CONDITION_TYPES = (
    "Equals",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "LessThan",
    "LessThanOrEqualTo",
    "In",
    "Not",
    "Or",
)
_FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
_VARIABLES = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
)


@dataclass(frozen=True)
class Step:
    """One step: what it waits for, and the condition's outcome that it belongs to, if any."""

    name: str
    type: str
    body: Json
    needs: frozenset[str]
    branch: tuple[str, bool] | None

    @property
    def arguments(self) -> Json:
        """The step's arguments, still with their functions."""
        arguments: Json = self.body.get("Arguments", {})
        return arguments


@dataclass(frozen=True)
class Definition:
    """A checked definition."""

    parameters: dict[str, Json]
    steps: dict[str, Step]


def parse(text: str) -> Definition:
    """Check a definition; raises ServiceError that says what is wrong, or what is not emulated."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"PipelineDefinition is not JSON: {error}") from error
    try:
        return _checked(document)
    except RecursionError as error:
        raise invalid(f"PipelineDefinition is nested too deeply: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise invalid(f"PipelineDefinition lacks a member, or has a wrong one: {error}") from error


def _checked(document: Json) -> Definition:
    if document.get("Version") != _VERSION:
        raise invalid(f"give Version {_VERSION!r}, got {document.get('Version')!r}")
    parameters = {p["Name"]: p for p in document.get("Parameters", [])}
    steps = list(_steps(document.get("Steps", []), None))
    by_name = {step.name: step for step in steps}
    if len(by_name) < len(steps):
        names = sorted({s.name for s in steps if [t.name for t in steps].count(s.name) > 1})
        raise invalid(f"step names must be unique, got twice: {', '.join(names)}")
    definition = Definition(parameters, by_name)
    for step in steps:
        _check_references(step, definition)
    _check_order(definition)
    return definition


def function(value: Any) -> str | None:  # noqa: ANN401 - JSON
    """Return the function that a value of a definition calls, or None for a plain value."""
    if isinstance(value, dict) and len(value) == 1:
        (name,) = value
        if name == "Get" or name.startswith("Std:"):
            return str(name)
    return None


def _steps(bodies: list[Json], branch: tuple[str, bool] | None) -> Iterator[Step]:
    for body in bodies:
        name, kind = body.get("Name", ""), body.get("Type", "")
        if kind not in _STEP_TYPES:
            raise invalid(
                f"step {name}: the embedded SageMaker runs steps of the types "
                f"{', '.join(_STEP_TYPES)}, got {kind!r}"
            )
        if kind not in _CACHED_TYPES and body.get("CacheConfig", {}).get("Enabled"):
            raise invalid(f"step {name}: the embedded SageMaker does not cache {kind} steps")
        if kind == "Condition" and branch:
            raise invalid(
                f"step {name}: a condition step cannot be inside another, found in {branch[0]}"
            )
        if (target := _TARGETS.get(kind)) and target not in body:
            raise invalid(f"step {name}: give a {kind} step its {target}")
        needs = frozenset({*body.get("DependsOn", []), *_steps_named(_own(body))})
        yield Step(name, kind, body, needs, branch)
        if kind == "Condition":
            _check_conditions(name, body["Arguments"]["Conditions"])
            yield from _steps(body["Arguments"].get("IfSteps", []), (name, True))
            yield from _steps(body["Arguments"].get("ElseSteps", []), (name, False))


def _check_conditions(step: str, conditions: list[Json]) -> None:
    for condition in conditions:
        if condition.get("Type") not in _CONDITION_TYPES:
            raise invalid(
                f"step {step}: the embedded SageMaker knows the conditions "
                f"{', '.join(_CONDITION_TYPES)}, got {condition.get('Type')!r}"
            )
        inner = [condition["Condition"]] if "Condition" in condition else []
        _check_conditions(step, [*inner, *condition.get("Conditions", [])])


def _own(body: Json) -> Json:
    """Return a step's body without the steps that a condition holds."""
    arguments = body.get("Arguments", {})
    if body["Type"] == "Condition":
        arguments = {"Conditions": arguments.get("Conditions", [])}
    return {**body, "Arguments": arguments}


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield each `Get` in a value, and a refusal of functions that are not emulated."""
    name = function(value)
    if name == "Get":
        yield str(value["Get"])
    elif name and name not in _FUNCTIONS:
        raise invalid(
            f"the embedded SageMaker knows the functions {', '.join(_FUNCTIONS)}, got {name!r}"
        )
    elif isinstance(value, dict):
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _steps_named(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    for reference in _references(value):
        root, _, rest = reference.partition(".")
        if root == "Steps":
            yield rest.partition(".")[0]


def _check_references(step: Step, definition: Definition) -> None:
    for reference in _references(_own(step.body)):
        root, _, rest = reference.partition(".")
        name = rest.partition(".")[0]
        known = {
            "Parameters": definition.parameters.keys(),
            "Steps": definition.steps.keys(),
            "Execution": _VARIABLES,
        }
        if name not in known.get(root, ()):
            raise invalid(f"step {step.name} refers to {reference}, which the pipeline lacks")
    if missing := step.needs - definition.steps.keys():
        raise invalid(f"step {step.name} depends on unknown steps: {', '.join(sorted(missing))}")


def _check_order(definition: Definition) -> None:
    waiting = {
        step.name: set(step.needs) | ({step.branch[0]} if step.branch else set())
        for step in definition.steps.values()
    }
    while ready := {name for name, needs in waiting.items() if not needs}:
        waiting = {name: needs - ready for name, needs in waiting.items() if name not in ready}
    if waiting:
        raise invalid(f"these steps wait for each other: {', '.join(sorted(waiting))}")
