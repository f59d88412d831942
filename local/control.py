"""Starts and stops the embedded AWS, and says how it is."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import httpx

from local import home

_START_SECONDS = 30
_STOP_SECONDS = 20


def running_pid() -> int | None:
    """The process id of the running server, or None."""
    try:
        pid = int(home.PID_FILE.read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid


def start() -> bool:
    """Start the server unless it runs; returns whether it was started now."""
    if running_pid() is not None and _answers():
        return False
    if _answers():
        raise SystemExit(
            f"port {home.PORT} is in use by another program: stop it, or choose a port with "
            "LOCAL_AWS_PORT=4570 make up"
        )
    home.HOME.mkdir(exist_ok=True)
    with home.SERVER_LOG.open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "local.server"],
            env=home.server_environment(),
            cwd=home.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # an interrupted `make up` leaves it whole
        )
    home.PID_FILE.write_text(str(server.pid))
    _wait_until_ready(server)
    return True


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _answers():
            return
        time.sleep(0.1)
    server.kill()
    last_lines = "\n".join(home.SERVER_LOG.read_text().splitlines()[-15:])
    raise SystemExit(f"the embedded AWS did not start; {home.SERVER_LOG} ends with:\n{last_lines}")


def stop() -> bool:
    """Stop the server, which saves its state first; returns whether it ran."""
    pid = running_pid()
    if pid is None:
        home.PID_FILE.unlink(missing_ok=True)
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running_pid() is not None and time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # reaps it when this process started it
        time.sleep(0.1)
    if running_pid() is not None:
        os.kill(pid, signal.SIGKILL)
    home.PID_FILE.unlink(missing_ok=True)
    return True


def _answers() -> bool:
    try:
        httpx.get(f"{home.ENDPOINT_URL}/_ministack/health", timeout=2)
    except httpx.HTTPError:
        return False
    return True
