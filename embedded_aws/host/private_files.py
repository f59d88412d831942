"""Files that only their owner reads, whatever the umask."""

import os
from contextlib import suppress
from pathlib import Path

UMASK = 0o077


def make_private(folder: Path) -> None:
    """Create the folder if need be, and take it, and all in it, from everybody but its owner.

    Raises SystemExit when it belongs to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise SystemExit(f"{folder} belongs to another user: choose a folder with LOCAL_AWS_HOME")
    _restrict(folder)
    for parent, folders, files in os.walk(folder):  # follows no links
        for name in (*folders, *files):
            _restrict(Path(parent, name))


def _restrict(path: Path) -> None:
    with suppress(FileNotFoundError):  # it may be somebody's temporary file
        mode = path.lstat().st_mode
        if mode & UMASK and not path.is_symlink():
            path.chmod(mode & ~UMASK & 0o7777)


def open_private(path: Path) -> int:
    """Open a file to append to; a new one is its owner's only."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
