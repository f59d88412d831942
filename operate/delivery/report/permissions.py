"""The statements of all policies, as lines that can be compared."""

import json
from collections.abc import Iterator
from typing import Any

from operate.delivery.report.templates import Json

_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy")
_PERMISSION = "AWS::Lambda::Permission"


def permission_changes(before: Json, after: Json) -> list[str]:
    """Return the lines that go, after a minus, and those that come, after a plus."""
    old, new = set(_lines(before)), set(_lines(after))
    gone = [f"- {line}" for line in sorted(old - new)]
    return gone + [f"+ {line}" for line in sorted(new - old)]


def _lines(template: Json) -> Iterator[str]:
    for name, resource in template.get("Resources", {}).items():
        properties = resource.get("Properties", {})
        for document in _documents(properties):
            for statement in _listed(document["Statement"]):
                yield from (f"{name}: {line}" for line in _statement(statement))
        for policy in properties.get("ManagedPolicyArns", []):
            yield f"{name}: has the policy {_text(policy)}"
        if boundary := properties.get("PermissionsBoundary"):
            yield f"{name}: is bounded by {_text(boundary)}"
        if resource["Type"] == _PERMISSION:
            who = _text(properties.get("Principal"))
            yield f"{name}: Allow {properties.get('Action')} to {who}"


def _documents(properties: Json) -> Iterator[Json]:
    yield from (properties[name] for name in _DOCUMENTS if name in properties)
    yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))


def _statement(statement: Json) -> Iterator[str]:
    """Yield a line for each action: a reader sees which one came."""
    where = ", ".join(sorted(_text(each) for each in _listed(statement.get("Resource", []))))
    line = f" on {where}" if where else ""
    if principal := statement.get("Principal"):
        line += f" to {_text(principal)}"
    if condition := statement.get("Condition"):
        line += f" if {_text(condition)}"
    for key in ("Action", "NotAction"):
        for action in _listed(statement.get(key, [])):
            yield f"{statement['Effect']} {'not ' if key == 'NotAction' else ''}{action}{line}"


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    """Write what a template computes as a text with the names of what it refers to."""
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(map(_text, parts))
        case dict() if len(value) == 1 and next(iter(value)) in ("AWS", "Service", "Federated"):
            return " ".join(map(_text, _listed(next(iter(value.values())))))
    return json.dumps(value, sort_keys=True)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]
