"""What is taken from a policy, one thing at a time: each statement, each action, each resource."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Mutant:
    """A policy document that lacks one thing."""

    statement: int  # its place in the document, from 0
    removed: str  # `statement`, or the action or the resource that is missing
    document: Json

    @property
    def is_whole(self) -> bool:
        """Whether all of the statement is missing."""
        return self.removed == "statement"


def mutants(document: Json) -> Iterator[Mutant]:
    """Yield the document without each of its statements, and without each part of them.

    A statement of one action and one resource has no parts: without either it is not there.
    """
    for index, statement in enumerate(statements(document)):
        yield Mutant(index, "statement", _without(document, index))
        for member in ("Action", "Resource"):
            values = listed(statement.get(member, []))
            if len(values) > 1:
                for value in values:
                    kept = [other for other in values if other != value]
                    yield Mutant(index, value, _with(document, index, member, kept))


def of_adapters(document: Json) -> Iterator[Mutant]:
    """Yield those that lack something which only a stage with adapters has."""
    for mutant in mutants(document):
        resources = listed(statements(document)[mutant.statement].get("Resource", []))
        lost = [mutant.removed] if mutant.removed in resources else resources
        if any("inference-component/" in each or each.endswith(".tar.gz") for each in lost):
            yield mutant


def statements(document: Json) -> list[Json]:
    """Return the statements, of which a document may hold one outside a list."""
    found: list[Json] = listed(document["Statement"])
    return found


def listed(value: Any) -> list[Any]:
    """Return the values of a member that IAM lets be one value or a list."""
    return value if isinstance(value, list) else [value]


def _without(document: Json, index: int) -> Json:
    kept = [s for i, s in enumerate(statements(document)) if i != index]
    return {**deepcopy(document), "Statement": deepcopy(kept)}


def _with(document: Json, index: int, member: str, values: list[str]) -> Json:
    changed = deepcopy(statements(document))
    changed[index][member] = values
    return {**deepcopy(document), "Statement": changed}
