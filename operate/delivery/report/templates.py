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
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(
            f"{assembly} must be a cloud assembly, or an archive of one: {error}"
        ) from error


def stays(resource: Json) -> bool:
    """Return whether a resource outlives its stack, by its DeletionPolicy."""
    return resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")


def _read(folder: Path) -> Templates:
    found: dict[str, Json] = {}
    for manifest in sorted(folder.rglob("manifest.json")):
        for artifact in json.loads(manifest.read_text()).get("artifacts", {}).values():
            if artifact["type"] == _STACK:
                properties = artifact["properties"]
                file = manifest.parent / properties["templateFile"]
                found[properties["stackName"]] = json.loads(file.read_text())
    if not found:
        raise ValueError("it has no stack")
    return found
