"""Starting, stopping and asking for the embedded AWS, when something is in the way."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.host import control, home
from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account
from embedded_aws.tests.process import EmbeddedAws


@pytest.fixture
def idle(tmp_path: Path) -> EmbeddedAws:
    """An embedded AWS that is not running."""
    return EmbeddedAws(free_port(), tmp_path)


@pytest.fixture
def listener(idle: EmbeddedAws) -> Iterator[socket.socket]:
    """A program that listens on its port and says nothing."""
    with socket.create_server(("127.0.0.1", idle.port)) as server:
        yield server


@pytest.mark.usefixtures("listener")
def test_start_says_that_the_port_is_taken_when_what_listens_speaks_no_http(
    idle: EmbeddedAws,
) -> None:
    ended = idle.try_verb("start")
    assert ended.returncode == 1
    assert f"port {idle.port} is not free" in ended.stderr
    assert "LOCAL_AWS_PORT=" in ended.stderr


@pytest.mark.parametrize("verb", ["status", "logs"])
def test_a_verb_says_in_one_line_that_nothing_runs(idle: EmbeddedAws, verb: str) -> None:
    ended = idle.try_verb(verb)
    assert ended.returncode == 1
    assert ended.stderr == "the embedded AWS is not running: `embedded-aws start` starts it\n"


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", ""])
def test_a_port_that_is_none_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("LOCAL_AWS_PORT", port)
    with pytest.raises(SystemExit, match=f"LOCAL_AWS_PORT must be 1 to 65535, got '{port}'"):
        home.port()


def test_a_home_too_deep_for_sockets_is_refused_in_one_line(tmp_path: Path) -> None:
    ended = EmbeddedAws(free_port(), tmp_path / ("x" * 80)).try_verb("start")
    assert ended.returncode == 1
    assert "must have at most 80 bytes" in ended.stderr


def test_stop_leaves_a_process_alone_that_a_stale_file_names(idle: EmbeddedAws) -> None:
    with subprocess.Popen(["sleep", "60"]) as unrelated:
        (idle.home / "server.pid").write_text(str(unrelated.pid))
        assert idle.stop() == "it was not running\n"
        assert unrelated.poll() is None
        unrelated.kill()


def test_start_waits_for_a_server_that_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(control, "_answers", lambda: next(answers))
    monkeypatch.setattr(control, "running_pid", os.getpid)
    assert control.start() is False
    assert next(answers, "all asked") == "all asked"


def test_a_second_server_in_the_same_folder_is_refused(account: Account) -> None:
    pid = account.aws.pid
    ended = account.aws.try_run("-m", "embedded_aws.host.start")
    assert ended.returncode == 1
    assert "another embedded AWS runs in" in ended.stderr
    assert account.aws.pid == pid


def test_verbs_reach_the_server_when_the_environment_names_a_proxy(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.delenv("no_proxy", raising=False)
    status = account.aws.run("status").stdout
    assert f"running (pid {account.aws.pid})" in status
    account.aws.start()
    exports = account.aws.run("env").stdout.splitlines()
    assert "export NO_PROXY=intranet,127.0.0.1,localhost" in exports
    assert "export no_proxy=intranet,127.0.0.1,localhost" in exports


def test_a_verb_finds_the_server_of_its_folder_on_whatever_port(account: Account) -> None:
    elsewhere = EmbeddedAws(free_port(), account.aws.home)
    status, url = elsewhere.run("status").stdout, f"http://127.0.0.1:{account.aws.port}"
    assert f"running (pid {account.aws.pid}) on {url}" in status
    assert elsewhere.run("start").stdout == f"already running on {url}\n"
    assert f"export AWS_ENDPOINT_URL={url}\n" in elsewhere.run("env").stdout


def test_a_verb_takes_no_server_of_another_folder_for_its_own(
    account: Account, tmp_path: Path
) -> None:
    ended = EmbeddedAws(account.aws.port, tmp_path).try_verb("status")
    assert ended.stderr == "the embedded AWS is not running: `embedded-aws start` starts it\n"


def test_the_callers_settings_reach_no_verb_and_no_shell(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL_CLOUDFORMATION"):
        monkeypatch.setenv(name, "/nowhere")
    assert f"running (pid {account.aws.pid})" in account.aws.run("status").stdout
    said = account.aws.run("env").stdout
    assert "unset AWS_ENDPOINT_URL_CLOUDFORMATION\nunset AWS_PROFILE\nexport " in said
    assert "export AWS_CONFIG_FILE=/dev/null\n" in said


def test_logs_shows_the_newest_lines_of_a_long_log(account: Account) -> None:
    logs, group = account.aws.client("logs"), account.name("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    for begin in (0, 6_000):
        events = [{"timestamp": now + n, "message": f"n{n}"} for n in range(begin, begin + 6_000)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    printed = account.aws.run("logs").stdout
    assert f"{group}: n11999\n" in printed
    assert f"{group}: n1\n" not in printed  # CloudWatch answers 10,000 at once


def test_stop_says_what_may_be_lost_when_it_had_to_kill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(control, "running_pid", lambda: 123)
    monkeypatch.setattr(control, "_STOP_SECONDS", 0)
    monkeypatch.setattr("os.kill", lambda *call: sent.append(call))
    said = control.stop()
    assert sent == [(123, signal.SIGTERM), (123, signal.SIGKILL)]
    assert "was killed" in said
    assert "changes since its last snapshot are lost" in said
