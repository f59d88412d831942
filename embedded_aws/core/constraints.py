"""The checks that botocore leaves to the service: enumerations, maximum lengths and patterns."""

from collections.abc import Iterator
from typing import Any

import regex  # type: ignore[import-untyped] # the package has no types
from botocore.model import Shape

_MAX_MATCHED = 300  # a pattern can take exponential time: names are short, documents are not


def violations(value: Any, shape: Shape, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield each member of a request that its shape does not allow, in AWS's words."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from violations(member, shape.members[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            yield from violations(member, shape.member, f"{path}.{index + 1}.member")
    elif shape.type_name == "map":
        for name, member in value.items():
            yield from violations(name, shape.key, f"{path}.{name}.key")
            yield from violations(member, shape.value, f"{path}.{name}.value")
    elif constraint := _violated(value, shape):
        yield f"Value {value!r} at {path!r} failed to satisfy constraint: Member must {constraint}"


def _violated(value: Any, shape: Shape) -> str | None:  # noqa: ANN401 - JSON
    if shape.type_name != "string":
        most = shape.metadata.get("max")
        too_much = most is not None and isinstance(value, int | float) and value > most
        return f"have value less than or equal to {most}" if too_much else None
    if shape.enum and value not in shape.enum:
        return f"satisfy enum value set: [{', '.join(shape.enum)}]"
    longest = shape.metadata.get("max")
    if longest is not None and len(value) > longest:
        return f"have length less than or equal to {longest}"
    pattern = shape.metadata.get("pattern")
    if pattern and len(value) <= _MAX_MATCHED and not _matches(pattern, value):
        return f"satisfy regular expression pattern: {pattern}"
    return None


def _matches(pattern: str, value: str) -> bool:
    try:
        return regex.fullmatch(pattern, value, regex.DOTALL) is not None
    except regex.error:  # a pattern that only Java knows
        return True
