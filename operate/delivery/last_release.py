"""What a release leaves for the test of the next one: its stage `local`, to be upgraded.

That is its cloud assembly, the policies of its bootstrap, and the sources of its functions. Their
dependencies are in their locks: a function's package is built again where it is deployed.
"""

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.host.archives import unpack
from operate.cdk_cli import ROOT, run_cdk
from operate.delivery.assembly import digest_of, pack, scratch

FILE = "tests/upgrades/last_release.tar.gz"
_ASSEMBLY, _FUNCTIONS, _LAMBDA, _POLICIES = "assembly", "functions.json", "lambda", "bootstrap.json"
_VERSION = "version.txt"

Json = dict[str, Any]


@dataclass(frozen=True)
class LastRelease:
    """A release that can be deployed."""

    folder: Path

    @property
    def version(self) -> str:
        """Its number."""
        return (self.folder / _VERSION).read_text().strip()

    @property
    def assembly(self) -> Path:
        """Its cloud assembly, of the environment `local`."""
        return self.folder / _ASSEMBLY

    @property
    def policies(self) -> Path:
        """The template of its bootstrap's policies."""
        return self.folder / _POLICIES


def keep(version: str, root: Path = ROOT, run_cdk: Callable[[list[str]], int] = run_cdk) -> None:
    """Write what the next upgrade is tested from; raises SystemExit."""
    with scratch() as folder:
        assembly = folder / _ASSEMBLY
        synth = ["synth", "--quiet", "--context", "environments=local", "--output", str(assembly)]
        if run_cdk(synth):
            raise SystemExit("the synth failed: see above")
        functions = _without_packages(assembly, root / "lambda")
        (folder / _FUNCTIONS).write_text(json.dumps(functions))
        (folder / _VERSION).write_text(f"{version}\n")
        shutil.copy(root / "bootstrap" / "local.json", folder / _POLICIES)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "lambda", folder / _LAMBDA, ignore=ignored)
        pack(folder, root / FILE)


def restored(root: Path = ROOT) -> LastRelease:
    """Return the last release with its functions' packages, which are built the first time."""
    file = root / FILE
    folder = root / "build" / "last-release" / digest_of(file)[:16]
    if not folder.is_dir():
        with scratch() as made:
            with tarfile.open(file) as archive:
                unpack(archive, made)
            _build(made)
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made, folder)
            made.mkdir()  # for the end of the scratch
    return LastRelease(folder)


def _without_packages(assembly: Path, sources: Path) -> dict[str, str]:
    """Delete the functions' packages, and return where each was."""
    places = {}
    for source in sources.glob("*/__init__.py"):
        function = source.parent.name
        for package in assembly.glob(f"asset.*/{function}"):
            places[function] = package.parent.name
            shutil.rmtree(package.parent)
    return places


def _build(folder: Path) -> None:
    script = str(folder / _LAMBDA / "build_functions.py")
    if subprocess.run([sys.executable, script, "local"], check=False).returncode:  # noqa: S603 - the release's own
        raise SystemExit("the last release's functions could not be built: see above")
    for function, place in json.loads((folder / _FUNCTIONS).read_text()).items():
        shutil.move(folder / "build" / function / "local", folder / _ASSEMBLY / place)
