"""The server's start and stop, and whether it runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

import httpx

from embedded_aws.core import circumstances
from embedded_aws.host import health, home, leftovers, private_files, running

# Of a machine that is busy with other things: a server that fails is not waited for.
_START_SECONDS = 120
_STOP_SECONDS = 60
_ANSWER_SECONDS = 10
_MAX_HOME_BYTES = 80  # with the name of a socket in tmp/, what macOS and Linux take


def running_pid() -> int | None:
    """Return the process id of the running server, 0 while it has just begun, or None."""
    found = running.find(home.PID_FILE)
    return found.pid if found else None


def start() -> bool:
    """Start the server unless it runs; returns whether it was started now."""
    if running_pid() is not None:
        # it may be busy, or have been started by another command just now
        _wait_until_ready(lambda: running_pid() is not None)
        return False
    _check_port()
    _check_length()
    _check_circumstances()
    private_files.make_private(home.HOME)
    leftovers.sweep()
    with os.fdopen(private_files.open_private(home.SERVER_LOG), "ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "embedded_aws.host.start"],
            env=home.server_environment(),
            cwd=home.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupted command leaves it whole
        )
    try:
        _wait_until_ready(lambda: server.poll() is None)
    except SystemExit:
        server.kill()
        raise
    return True


def _check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", home.PORT))
        except OSError as error:
            raise SystemExit(
                f"port {home.PORT} is not free ({error.strerror}): stop the program that uses it, "
                "or choose another with LOCAL_AWS_PORT=4570"
            ) from error


def _check_length() -> None:
    length = len(os.fsencode(home.HOME))
    if length > _MAX_HOME_BYTES:
        raise SystemExit(
            f"the path of LOCAL_AWS_HOME must have at most {_MAX_HOME_BYTES} bytes, because sockets"
            f" lie under it, got {length}: {home.HOME}"
        )


def _check_circumstances() -> None:
    try:
        circumstances.current()
    except circumstances.CircumstancesError as error:
        raise SystemExit(str(error)) from error


def _wait_until_ready(lives: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and lives():
        if _answers():
            return
        time.sleep(0.1)
    what = "does not answer" if lives() else "did not start"
    last_lines = home.last_log_lines(15)
    raise SystemExit(f"the embedded AWS {what}; {home.SERVER_LOG} ends with:\n{last_lines}")


def stop() -> str:
    """Stop the server, which saves its state first; returns a sentence about the outcome."""
    pid = running_pid()
    if not pid:
        return "it was not running"
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if running_pid() != pid:
            return f"stopped; its data is kept in {home.HOME}"
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return (
        f"it did not stop within {_STOP_SECONDS} s and was killed: changes since its last snapshot "
        "are lost, and the next start says when that was"
    )


def saving_failure() -> str:
    """Return why the running server cannot save its state; an empty string when it can."""
    try:
        return unquote(_health().headers.get(health.FAILURE_HEADER, ""))
    except httpx.HTTPError as error:
        return f"it does not answer: {type(error).__name__}"


def _answers() -> bool:
    try:
        _health()
    except httpx.HTTPError:
        return False
    return True


def _health() -> httpx.Response:
    # no proxy of the environment's: it would not reach this machine
    return httpx.get(
        f"{home.endpoint_url()}{health.PATH}", timeout=_ANSWER_SECONDS, trust_env=False
    )
