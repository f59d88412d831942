"""The packages that a function needs, installed into its asset from a lock."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from asset_build.errors import BuildError

# Of botocore's 400 services one is called. Its endpoints are in a file for all, which is read at
# every start.
_BOTOCORE_SERVICE, _ENDPOINTS_OF = "sagemaker-runtime", "runtime.sagemaker"
_NO_USE_AT_RUN_TIME = (
    ".lock",  # uv's
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.py[ix]",
    "**/*.pxd",
    "**/*.[ch]",
)
_METADATA_KEPT = ("METADATA", "LICENSE*", "NOTICE*", "licenses")


def add_dependencies(
    lock: Path, asset: Path, scratch: Path, without: Iterable[str], platform: Iterable[str]
) -> None:
    """Install what is locked into an asset, without what no function uses at run time."""
    entries = locked(lock)
    requirements = write(scratch / "requirements.txt", set(entries) - set(without), entries)
    install(requirements, asset, platform)
    _prune(asset)


def locked(lock: Path) -> dict[str, str]:
    """Return a lock's entries, each with its hashes, by package."""
    entries = re.split(r"\n(?=\S)", lock.read_text())
    return {entry.partition("==")[0]: entry for entry in entries}


def write(file: Path, packages: Iterable[str], entries: dict[str, str]) -> Path:
    """Write the entries of some packages into a requirements file, and return it."""
    file.write_text("\n".join(entries[package] for package in sorted(packages)))
    return file


def install(requirements: Path, target: Path, platform: Iterable[str] = ()) -> None:
    """Install exactly these packages into a folder; raise BuildError if they cannot be had."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise BuildError("install requirements.txt first: uv is missing")
    options = ["--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    options += ["--link-mode", "copy", "--python", sys.executable]
    if not os.access(os.path.expanduser("~/."), os.W_OK):  # noqa: PTH111 - a home may be unknown
        options.append("--no-cache")
    command = [uv, "pip", "install", *options, *platform]
    installed = subprocess.run(  # noqa: S603 - our own arguments
        [*command, "--target", str(target), "-r", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        said = installed.stderr.strip()
        raise BuildError(
            f"check that the package index can be reached and has what is locked, uv says:\n{said}"
        )


def _prune(asset: Path) -> None:
    unused = [found for pattern in _NO_USE_AT_RUN_TIME for found in asset.glob(pattern)]
    for metadata in asset.glob("*.dist-info"):
        kept = {found for pattern in _METADATA_KEPT for found in metadata.glob(pattern)}
        unused += [found for found in metadata.iterdir() if found not in kept]
    services = (found for found in asset.glob("botocore/data/*") if found.is_dir())
    unused += [service for service in services if service.name != _BOTOCORE_SERVICE]
    for found in unused:
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
    for endpoints in asset.glob("botocore/data/endpoints.json"):
        _trim_endpoints(endpoints)


def _trim_endpoints(file: Path) -> None:
    document = json.loads(file.read_text())
    for partition in document["partitions"]:
        services = partition["services"]
        partition["services"] = {_ENDPOINTS_OF: services.get(_ENDPOINTS_OF, {"endpoints": {}})}
    file.write_text(json.dumps(document, separators=(",", ":")))
