"""Wheels, each in an environment of its own."""

import subprocess
import sys
import sysconfig
from pathlib import Path


def install(project: Path, folder: Path) -> None:
    """Build a project's wheel in a folder, and install it into `venv` there.

    Its dependencies are those of this environment, in which nothing of the project is installed.
    """
    _uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(project))
    (wheel,) = folder.glob("*.whl")
    _uv("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    python = str(folder / "venv/bin/python")
    _uv("pip", "install", "--quiet", "--python", python, "--no-deps", "--no-index", str(wheel))
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


def _uv(*arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
