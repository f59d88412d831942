"""The templates of a cloud assembly, by the names of their stacks."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from embedded_aws.host.archives import unpack

Json: TypeAlias = dict[str, Any]
Templates: TypeAlias = Mapping[str, Json]
_STACK = "aws:cloudformation:stack"


def templates_of(assembly: Path) -> Templates:
    """Return the templates of a folder, or of what `assembly` wrote; raises SystemExit."""
    if assembly.is_dir():
        return _read(assembly)
    try:
        with TemporaryDirectory() as folder, tarfile.open(assembly) as archive:
            members = [each for each in archive if each.name.endswith(".json")]
            unpack(archive, Path(folder), members)
            return _read(Path(folder))
    except (OSError, tarfile.TarError) as error:
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
        raise SystemExit(f"there is no stack in the cloud assembly {folder}")
    return found
