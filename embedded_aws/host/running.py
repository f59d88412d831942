"""The server that runs in a folder: it holds a lock on a file, which names its process and port."""

import fcntl
from pathlib import Path
from typing import NamedTuple


class Server(NamedTuple):
    """A running server; both are 0 while it has just begun."""

    pid: int
    port: int


def find(file: Path) -> Server | None:
    """Return the server that holds the lock: what a killed one left in the file names nobody."""
    try:
        with file.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, _, port = held.read().partition(" ")
                return Server(int(pid or 0), int(port or 0))
    except FileNotFoundError:
        pass
    return None
