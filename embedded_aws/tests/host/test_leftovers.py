"""What versions before this one left in /tmp: deleted, if it is this user's and nobody uses it."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from embedded_aws.host import leftovers

_SERVER = uuid.uuid4().hex


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, with what was left in it and what is somebody's."""
    for name in ("local-aws-model-1", "local-aws-python-2", "others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "local-aws-link").symlink_to(tmp_path / "others")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(leftovers, "_SERVER", _SERVER)  # a real one may run on this machine
    return tmp_path


def _left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_folders_of_versions_before_are_deleted_and_nothing_else(temporary: Path) -> None:
    leftovers.sweep()
    assert _left(temporary) == {"others", "local-aws-link"}
    assert (temporary / "others/file").exists()


def test_what_is_anothers_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 12345)
    leftovers.sweep()
    assert "local-aws-model-1" in _left(temporary)


def test_what_a_server_of_a_version_before_may_use_stays(temporary: Path) -> None:
    command = [sys.executable, "-c", "input()", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        leftovers.sweep()
        server.communicate()
    assert "local-aws-model-1" in _left(temporary)
