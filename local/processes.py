"""Child processes that serve HTTP on a port of this host."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from local import guardian

# What a program of the embedded AWS inherits from the server, beside a HOME of its own.
_INHERITED = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "TMPDIR"),
    guardian.OWNER,
)
_POLL_SECONDS = 0.05
_STOP_SECONDS = 5


@cache
def _interpreter_folder() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="local-aws-python-")
    (Path(folder.name) / "python").symlink_to(Path(sys.executable).resolve())
    return folder


def interpreter_folder() -> Path:
    """A folder with a `python` that sees no installed package but what PYTHONPATH names.

    It lives as long as this process.
    """
    return Path(_interpreter_folder().name)


def inherited_environment() -> dict[str, str]:
    """The environment of a program before what its owner gives it."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "HOME": tempfile.gettempdir()}


def free_port() -> int:
    """A TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    command: list[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    own_group: bool = False,
) -> subprocess.Popen[str]:
    """Start `command` with just this environment; its output is one pipe of text lines.

    With `own_group` it leads a process group, so that its children can be ended with it.
    """
    return subprocess.Popen(  # noqa: S603 - a command of ours or of a deployed function
        command,
        env=environment,
        cwd=folder,
        encoding="utf-8",
        errors="replace",  # what is printed is for people: it must not end its reader
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=own_group,
    )


def wait_until_ready(
    process: subprocess.Popen[str] | subprocess.Popen[bytes], port: int, path: str, timeout: float
) -> bool:
    """Whether `path` answers 2xx before the process ends or `timeout` seconds pass."""
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 300:  # noqa: PLR2004 - any success
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(_POLL_SECONDS)
    return False


def stop(process: subprocess.Popen[str]) -> None:
    """End the process, gently first."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
