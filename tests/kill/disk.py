"""A disk that can be full: a file system of its own, or else a limit on the server's files."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_SIZE = "8g"  # of memory, of which what is written is used


def mount(folder: Path) -> bool:
    """Make the folder a file system of its own; returns whether that was allowed."""
    folder.mkdir(parents=True)
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def delete(folder: Path) -> None:
    """Delete the folder, and its file system."""
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    shutil.rmtree(folder)


@contextmanager
def full(folder: Path, server: int) -> Iterator[None]:
    """Let no byte more be written: to the folder, or else by this server."""
    if folder.is_mount():
        while not _resize(folder, str(shutil.disk_usage(folder).used)):
            pass  # something was written in between
        try:
            yield
        finally:
            _resize(folder, _SIZE)
        return
    if sys.platform != "linux":
        pytest.skip("nothing fills a disk here: a file system must be mounted, or Linux run")
    soft, hard = resource.prlimit(server, resource.RLIMIT_FSIZE)
    resource.prlimit(server, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(server, resource.RLIMIT_FSIZE, (soft, hard))


def _resize(folder: Path, size: str) -> bool:
    command = ["mount", "-o", f"remount,size={size}", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
