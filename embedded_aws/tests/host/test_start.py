"""The lock that the one server of a folder holds, and that others try when they look for it."""

import fcntl
from pathlib import Path

import pytest

from embedded_aws.host import home, running, start


@pytest.fixture
def pid_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "server.pid"
    file.touch()
    monkeypatch.setattr(home, "PID_FILE", file)
    return file


def test_a_server_starts_while_somebody_looks_whether_one_runs(
    pid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pid_file.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)  # as `running.find` does

        def find(file: Path) -> running.Server | None:
            found = look(file)
            fcntl.flock(looking, fcntl.LOCK_UN)
            return found

        look = running.find
        monkeypatch.setattr(running, "find", find)
        with start._only_server():
            assert look(pid_file)
    assert look(pid_file) is None


@pytest.mark.usefixtures("pid_file")
def test_a_server_starts_in_no_folder_of_another() -> None:
    with (
        start._only_server(),
        pytest.raises(SystemExit, match="another embedded AWS runs in"),
        start._only_server(),
    ):
        pass
