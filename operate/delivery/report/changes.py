"""The changes of resources between two templates, and which of them replace or delete one.

A property is create-only when CloudFormation's schema of the type says so. What refers to a
resource that is replaced changes with it, and is replaced in turn where that property is
create-only.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bootstrap.handlers import schema_of
from operate.delivery.report.templates import Json, Templates, stays

# What holds data, or a name, address or secret that somebody has: it does not come back.
STATEFUL = frozenset(
    {
        "AWS::ApiGateway::ApiKey",
        "AWS::ApiGateway::RestApi",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::ModelPackageGroup",
    }
)
_CREATE_ONLY = ("createOnlyProperties", "conditionalCreateOnlyProperties")
_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "Condition")


class Kind(StrEnum):
    """What becomes of a resource."""

    ADDED = "added"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    LEFT = "left behind"  # no stack's any more, by its DeletionPolicy


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's change, with the properties that differ and why they do."""

    stack: str
    resource: str
    type: str
    kind: Kind
    properties: tuple[str, ...] = ()

    @property
    def is_loss(self) -> bool:
        """Whether the stack has the resource no more, or another in its place."""
        return self.kind in (Kind.REPLACED, Kind.DELETED, Kind.LEFT)

    @property
    def is_dangerous(self) -> bool:
        """Whether something is lost that does not come back."""
        return self.is_loss and self.type in STATEFUL


def changes(before: Templates, after: Templates) -> Iterator[Change]:
    """Yield every change, stack by stack."""
    for stack in sorted({*before, *after}):
        old = before.get(stack, {}).get("Resources", {})
        new = after.get(stack, {}).get("Resources", {})
        yield from _of_stack(stack, old, new, _parameters(before, after, stack))


def _parameters(before: Templates, after: Templates, stack: str) -> frozenset[str]:
    """Return the parameters whose defaults differ: what refers to them may change."""
    old, new = (each.get(stack, {}).get("Parameters", {}) for each in (before, after))
    return frozenset(
        name
        for name in old.keys() & new.keys()
        if old[name].get("Default") != new[name].get("Default")
    )


def _of_stack(stack: str, old: Json, new: Json, parameters: frozenset[str]) -> Iterator[Change]:
    replaced = _replaced(old, new, parameters)
    for name in sorted({*old, *new}):
        kind = Kind.UPDATED
        properties: tuple[str, ...] = ()
        resource = new.get(name) or old[name]
        if name not in old:
            kind = Kind.ADDED
        elif name not in new:
            kind = Kind.LEFT if stays(old[name]) else Kind.DELETED
        elif name in replaced:
            kind, properties = Kind.REPLACED, replaced[name]
        elif not (properties := _differing(old[name], new[name], parameters | replaced.keys())):
            continue
        yield Change(
            stack=stack, resource=name, type=resource["Type"], kind=kind, properties=properties
        )


def _replaced(old: Json, new: Json, parameters: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return the resources that are replaced, with the properties that make it so."""
    replaced: dict[str, tuple[str, ...]] = {}
    while True:
        changed = parameters | replaced.keys()
        found = {
            name: reasons
            for name in old.keys() & new.keys()
            if (reasons := _reasons(old[name], new[name], changed))
        }
        if found.keys() == replaced.keys():
            return found
        replaced = found


def _reasons(old: Json, new: Json, changed: frozenset[str]) -> tuple[str, ...]:
    if old["Type"] != new["Type"]:
        return ("Type",)
    paths = [
        pointer.removeprefix("/properties/").split("/")
        for key in _CREATE_ONLY
        for pointer in schema_of(new["Type"]).get(key) or ()
    ]
    ones, others = old.get("Properties", {}), new.get("Properties", {})
    return tuple(
        sorted(
            ".".join(path) for path in paths if _differ(_at(ones, path), _at(others, path), changed)
        )
    )


def _at(properties: Any, path: list[str]) -> Any:  # noqa: ANN401 - JSON
    """Return what stands at a path of a schema, of each item where there is a list."""
    if not path:
        return properties
    if isinstance(properties, list):
        return [_at(item, path[1:] if path[0] == "*" else path) for item in properties]
    return _at(properties.get(path[0]), path[1:]) if isinstance(properties, dict) else None


def _differing(old: Json, new: Json, changed: frozenset[str]) -> tuple[str, ...]:
    ones, others = old.get("Properties", {}), new.get("Properties", {})
    found = {
        name
        for name in ones.keys() | others.keys()
        if _differ(ones.get(name), others.get(name), changed)
    }
    found |= {name for name in _ATTRIBUTES if old.get(name) != new.get(name)}
    return tuple(sorted(found))


def _differ(old: Any, new: Any, changed: frozenset[str]) -> bool:  # noqa: ANN401 - JSON
    return bool(old != new or _references(new) & changed)


def _references(value: Any) -> frozenset[str]:  # noqa: ANN401 - JSON
    """Return the logical ids that a value refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return frozenset({name})
        case {"Fn::Sub": _}:
            return frozenset(_substituted(json.dumps(value)))
        case dict() | list():
            items = value.values() if isinstance(value, Mapping) else value
            return frozenset().union(*map(_references, items))
    return frozenset()


def _substituted(text: str) -> Iterator[str]:
    for part in text.split("${")[1:]:
        yield part.partition("}")[0].partition(".")[0]
