"""What the resources of some templates refer to, across stacks too."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]
# What stands for another resource, and is not drawn itself.
_PASSED_ON = frozenset(
    {
        "AWS::ApiGateway::Stage",
        "AWS::Lambda::Alias",
        "AWS::Lambda::Version",
        "AWS::SSM::Parameter",
    }
)


class Resource(NamedTuple):
    """A resource, by its stack and its logical id."""

    stack: str
    name: str


class Templates:
    """The resources of an environment's templates, by the names of its stacks."""

    def __init__(self, bodies: Mapping[str, Json]) -> None:
        self._bodies = bodies
        self._published = {
            each["Properties"]["Name"]: resource
            for resource, each in self.of_type("AWS::SSM::Parameter")
        }

    def of_type(self, *types: str) -> Iterator[tuple[Resource, Json]]:
        """Yield the resources of some types, or all of them."""
        for stack, body in self._bodies.items():
            for name, each in sorted(body["Resources"].items()):
                if not types or each["Type"] in types:
                    yield Resource(stack, name), each

    def type_of(self, resource: Resource) -> str:
        """Return a resource's type."""
        return str(self._bodies[resource.stack]["Resources"][resource.name]["Type"])

    def referred(self, stack: str, value: object) -> Iterator[Resource]:
        """Yield what a value refers to: through published ARNs, and to a stack by its endpoint."""
        for name in _names(value):
            yield from self._found(stack, name)
        text = json.dumps(value)
        for other in self._bodies:
            if f":stack/{other}/" in text:
                yield from (
                    e for e, _ in self.of_type("AWS::SageMaker::Endpoint") if e.stack == other
                )

    def _found(self, stack: str, name: str) -> Iterator[Resource]:
        body = self._bodies[stack]
        if name in body.get("Parameters", {}):
            published = self._published.get(body["Parameters"][name].get("Default"))
            found = [published] if published else []
        else:
            found = [Resource(stack, name)] if name in body["Resources"] else []
        for each in found:
            if self.type_of(each) not in _PASSED_ON:
                yield each
                continue
            inner = self._bodies[each.stack]["Resources"][each.name]["Properties"]
            yield from self.referred(each.stack, inner)


def _names(value: object) -> Iterator[str]:
    """Yield each logical id that a value refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for each in value.values():
                yield from _names(each)
        case list():
            for each in value:
                yield from _names(each)
