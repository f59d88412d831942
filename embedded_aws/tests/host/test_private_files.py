"""What the embedded AWS keeps is for its owner only, whatever the umask."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISLNK

import pytest

from embedded_aws.host import private_files
from embedded_aws.host.processes import free_port
from embedded_aws.tests.process import EmbeddedAws


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A umask that takes nothing from what is created."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> set[str]:
    """What in a folder, itself included, others than its owner may touch."""
    found = {folder: folder.lstat().st_mode}
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            with suppress(FileNotFoundError):  # of a server, which replaces its snapshots
                found[path] = path.lstat().st_mode
    return {
        str(path.relative_to(folder))
        for path, mode in found.items()
        if mode & 0o077 and not S_ISLNK(mode)
    }


@pytest.mark.usefixtures("open_umask")
def test_a_home_that_an_older_version_left_readable_becomes_private(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir()
    (home / "s3" / "bucket").mkdir(parents=True)
    (home / "s3" / "bucket" / "key").write_text("x")
    (home / "run").write_text("x")
    (home / "run").chmod(0o777)
    (home / "link").symlink_to(outside)
    assert open_to_others(home) == {".", "s3", "s3/bucket", "s3/bucket/key", "run"}
    private_files.make_private(home)
    assert open_to_others(home) == set()
    assert (home / "run").stat().st_mode & 0o777 == 0o700  # its owner may still run it
    assert outside.stat().st_mode & 0o777 == 0o777  # a link is not followed


@pytest.mark.usefixtures("open_umask")
def test_a_new_home_is_private(tmp_path: Path) -> None:
    private_files.make_private(tmp_path / "new" / "home")
    assert (tmp_path / "new" / "home").stat().st_mode & 0o777 == 0o700


def test_a_home_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(SystemExit, match="belongs to another user"):
        private_files.make_private(tmp_path)


@pytest.mark.usefixtures("open_umask")
def test_all_that_a_server_writes_is_private(tmp_path_factory: pytest.TempPathFactory) -> None:
    aws = EmbeddedAws(free_port(), tmp_path_factory.mktemp("aws"))
    (aws.home / "server.log").write_text("of an older version")
    aws.start()
    try:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="folder/key", Body=b"x")
        aws.client("sqs").create_queue(QueueName="queue")
        aws.run("env")
        assert open_to_others(aws.home) == set()
    finally:
        aws.stop()
    kept = {path.name for path in aws.home.iterdir()}
    assert kept >= {"credentials", "server.log", "server.pid", "snapshots"}
    assert open_to_others(aws.home) == set()
