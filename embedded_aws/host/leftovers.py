"""What versions before this one left among the temporary files of the machine.

They made their folders there; today's lie in the home, and go with their server.
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

_NAMES = "local-aws-*"
_SERVER = "local.start"  # the module that such a version ran


def sweep() -> None:
    """Delete this user's folders of versions before, unless a server of one still runs."""
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
