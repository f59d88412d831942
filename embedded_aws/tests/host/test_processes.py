"""The ports that are handed to programs which bind them only later."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.host import processes

TAKES_A_PORT = (
    "import sys; from embedded_aws.host import processes;"
    "print(processes.free_port(), flush=True); sys.stdin.read()"
)


def test_port_is_none_that_the_kernel_gives_to_a_connection() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 49_152

    assert processes.free_port() < lowest


def test_port_is_given_once_though_nothing_is_bound_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = processes.free_port()
    with (
        subprocess.Popen(
            [sys.executable, "-c", TAKES_A_PORT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as elsewhere,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        assert elsewhere.stdout
        taken = [first, int(elsewhere.stdout.readline()), listening.getsockname()[1]]
        tried = iter([*taken, *range(20_000, 20_100)])
        monkeypatch.setattr(processes, "_some_port", lambda: next(tried))

        third = processes.free_port()

        elsewhere.communicate("")
    assert third not in taken
