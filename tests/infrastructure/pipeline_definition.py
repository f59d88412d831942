"""A pipeline's definition, as the tests look at it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infrastructure.assembly import Template

Json = dict[str, Any]


def definition_of(template: Template) -> Json:
    """Return the definition in a template, with some text in the place of each reference."""
    pipeline = template.only("AWS::SageMaker::Pipeline")
    definition: Json = json.loads(_text(pipeline["PipelineDefinition"]["PipelineDefinitionBody"]))
    return definition


def steps_by_name(definition: Json) -> dict[str, Json]:
    """Return all steps, those that conditions hold included."""
    return {step["Name"]: step for step in _steps(definition["Steps"])}


def _steps(bodies: list[Json]) -> Iterator[Json]:
    for body in bodies:
        yield body
        if body["Type"] == "Condition":
            yield from _steps(body["Arguments"]["IfSteps"] + body["Arguments"]["ElseSteps"])


def _text(value: Any) -> str:
    """Write a body with its references as CloudFormation would fill them in: as some text."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(_text(part) for part in value["Fn::Join"][1])
    if isinstance(value.get("Fn::Sub"), str):
        return str(value["Fn::Sub"])
    (name,) = value
    attribute = value[name][-1] if isinstance(value[name], list) else value[name]
    return "arn:aws:iam::111111111111:role/any" if attribute == "Arn" else "any"
