"""Temporary folders that earlier versions left on the machine.

Today's are in the home, and are deleted with their server.
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

_NAMES = "local-aws-*"
_SERVER = "local.start"  # the module that such a version ran


def sweep() -> None:
    """Delete this user's folders of earlier versions, unless such a server still runs."""
    found = [path for path in Path(tempfile.gettempdir()).glob(_NAMES) if _is_own(path)]
    if found and not _runs():
        for path in found:
            shutil.rmtree(path, ignore_errors=True)


def _is_own(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.getuid() and path.is_dir() and not path.is_symlink()
    except FileNotFoundError:
        return False


def _runs() -> bool:
    processes = psutil.process_iter(["cmdline"])
    return any(_SERVER in (process.info["cmdline"] or ()) for process in processes)
