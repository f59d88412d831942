"""The templates of a cloud assembly, by the names of their stacks."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from operate.delivery.assembly import extract

Json: TypeAlias = dict[str, Any]
Templates: TypeAlias = Mapping[str, Json]
_STACK = "aws:cloudformation:stack"


def templates_of(assembly: Path) -> Templates:
    """Return the templates of a folder, or of what `assembly` wrote; raises SystemExit."""
    try:
        if assembly.is_dir():
            return _read(assembly)
        with TemporaryDirectory() as folder:
            extract(assembly, Path(folder), ".json")
            return _read(Path(folder))
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"{assembly} must be a cloud assembly, or an archive of one: {error}"
        ) from error


def stays(resource: Json) -> bool:
    """Return whether a resource outlives its stack, by its DeletionPolicy."""
    return resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")


def _read(folder: Path) -> Templates:
    found: dict[str, Json] = {}
    for manifest in sorted(folder.rglob("manifest.json")):
        for name, file in _stacks(manifest):
            found[name] = _object(file)
    if not found:
        raise ValueError("it has no stack")
    return found


def _stacks(manifest: Path) -> list[tuple[str, Path]]:
    """Return the names and the templates' files of a manifest's stacks; raises ValueError."""
    try:
        stacks = [
            artifact["properties"]
            for artifact in _object(manifest).get("artifacts", {}).values()
            if artifact["type"] == _STACK
        ]
        return [(str(each["stackName"]), manifest.parent / each["templateFile"]) for each in stacks]
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(
            f"{manifest.name} must be what the CDK CLI writes, got {error!r}"
        ) from error


def _object(file: Path) -> Json:
    try:
        found = json.loads(file.read_text())
    except (RecursionError, ValueError) as error:
        raise ValueError(f"{file.name} must be JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file.name} must be a JSON object, got a {type(found).__name__}")  # noqa: TRY004 - a file's content
    return found
