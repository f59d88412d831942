"""Child processes that serve HTTP on a Unix socket or a port of this host."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from embedded_aws.host import guardian

# What a program of the embedded AWS inherits from the server.
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", guardian.OWNER)
# Below the ports that Linux (32768) and macOS (49152) give to connections.
_PORTS = range(20_000, 32_000)
_POLL_SECONDS = 0.05
_PROBE_SECONDS = 2
_POST_SECONDS = 10  # what Lambda gives to a hook after a restore
_STOP_SECONDS = 5


@cache
def _interpreter_folder() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="local-aws-python-")
    (Path(folder.name) / "python").symlink_to(Path(sys.executable).resolve())
    return folder


def interpreter_folder() -> Path:
    """Return a folder with a `python` that sees no installed package but what PYTHONPATH names.

    It lives as long as this process.
    """
    return Path(_interpreter_folder().name)


def inherited_environment(temporary: str) -> dict[str, str]:
    """Return the environment of a program before what its owner gives it.

    `temporary` is for its temporary files, which it leaves when it is killed.
    """
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "HOME": temporary, "TMPDIR": temporary}


def _some_port() -> int:
    return _PORTS.start + secrets.randbelow(len(_PORTS))


def free_port() -> int:
    """Return a TCP port that stays free until the program that it is meant for binds it.

    The kernel gives it to no connection, and this function to no other process: as long as this
    one lives, the UDP port of the same number is kept as the sign that it is taken.
    """
    while True:
        port = _some_port()
        with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as sign:
            try:
                sign.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            sign.detach()
            return port


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


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Create the folder of one program: its files, its sockets, and what it leaves.

    Only this user can open it. Its name is short: the path of a socket in it, whose own name has
    at most 8 bytes, may have 103. See `_MAX_HOME_BYTES` of `host.control`.
    """
    return tempfile.TemporaryDirectory(prefix="")


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _connection(address: int | Path) -> http.client.HTTPConnection:
    if isinstance(address, Path):
        return _UnixConnection(address, _PROBE_SECONDS)
    return http.client.HTTPConnection("127.0.0.1", address, timeout=_PROBE_SECONDS)


def post(address: Path, path: str) -> bool:
    """Send an empty POST; return whether it is answered with 2xx."""
    connection = _UnixConnection(address, _POST_SECONDS)
    try:
        connection.request("POST", path, body=b"")
        return connection.getresponse().status < 300  # noqa: PLR2004 - any success
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(
    process: subprocess.Popen[str] | subprocess.Popen[bytes],
    address: int | Path,
    path: str,
    timeout: float,
) -> bool:
    """Wait for 2xx from `path`; returns whether it came before the process or the time ended."""
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        connection = _connection(address)
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
