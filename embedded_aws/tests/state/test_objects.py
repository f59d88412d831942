"""Where the bodies of S3's objects are: on the disk, whole, and not in memory."""

import os
import sys
from pathlib import Path

import psutil
import pytest
from boto3.s3.transfer import TransferConfig

from embedded_aws.state.objects import Stored
from embedded_aws.tests.account import BUCKET, Account
from embedded_aws.tests.disk import SMALL, full_disk

_MB = 1 << 20


@pytest.fixture
def versioned(own_account: Account) -> Account:
    """An account whose bucket keeps versions."""
    enabled = {"Status": "Enabled"}
    own_account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
    return own_account


def _put(account: Account, body: bytes, key: str = "a") -> str:
    return str(account.s3.put_object(Bucket=BUCKET, Key=key, Body=body)["VersionId"])


def _get(account: Account, key: str = "a", **more: str) -> bytes:
    body: bytes = account.s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()
    return body


def _megabytes(account: Account) -> float:
    return float(psutil.Process(account.aws.pid).memory_info().rss / _MB)


def test_versions_are_held_by_the_disk_and_not_by_the_memory(
    versioned: Account, tmp_path: Path
) -> None:
    _put(versioned, os.urandom(20 * _MB))
    before = _megabytes(versioned)
    bodies = [os.urandom(60 * _MB) for _ in range(4)]
    ids = []
    for body in bodies:  # as boto3 uploads files, in parts
        (tmp_path / "up").write_bytes(body)
        versioned.s3.upload_file(str(tmp_path / "up"), BUCKET, "a")
        ids.append(versioned.s3.head_object(Bucket=BUCKET, Key="a")["VersionId"])
    versioned.s3.download_file(BUCKET, "a", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == bodies[-1]
    assert _megabytes(versioned) - before < 60
    read = [_get(versioned, VersionId=version) for version in ids]
    assert read == bodies


def test_each_part_of_an_object_can_be_read(versioned: Account, tmp_path: Path) -> None:
    body = os.urandom(12 * _MB)
    (tmp_path / "up").write_bytes(body)
    in_parts = TransferConfig(multipart_threshold=5 * _MB, multipart_chunksize=5 * _MB)
    versioned.s3.upload_file(str(tmp_path / "up"), BUCKET, "a", Config=in_parts)
    assert _get(versioned) == body
    assert _get(versioned, Range="bytes=0-0") == body[:1]
    assert _get(versioned, Range=f"bytes={_MB}-{2 * _MB}") == body[_MB : 2 * _MB + 1]
    assert _get(versioned, Range="bytes=-7") == body[-7:]
    assert _get(versioned, Range=f"bytes={11 * _MB}-") == body[11 * _MB :]
    versioned.s3.copy_object(Bucket=BUCKET, Key="b", CopySource={"Bucket": BUCKET, "Key": "a"})
    assert _get(versioned, "b") == body
    second = versioned.s3.get_object(Bucket=BUCKET, Key="a", PartNumber=2)
    assert second["Body"].read() == body[5 * _MB : 10 * _MB]


def test_an_older_version_becomes_the_current_one_again(versioned: Account) -> None:
    _put(versioned, b"one")
    newer = _put(versioned, b"two")
    versioned.s3.delete_object(Bucket=BUCKET, Key="a", VersionId=newer)
    assert _get(versioned) == b"one"
    marker = versioned.s3.delete_object(Bucket=BUCKET, Key="a")["VersionId"]
    versioned.s3.delete_object(Bucket=BUCKET, Key="a", VersionId=marker)
    assert _get(versioned) == b"one"


def test_what_was_there_before_versioning_stays(own_account: Account) -> None:
    own_account.put("a", "before")
    enabled = {"Status": "Enabled"}
    own_account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
    _put(own_account, b"after")
    assert _get(own_account, VersionId="null") == b"before"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files")
def test_an_older_version_needs_no_room_on_the_disk(versioned: Account) -> None:
    large = b"large" * SMALL
    older = _put(versioned, large)
    with full_disk(versioned.aws.pid):
        newer = _put(versioned, b"small")  # which takes the place of the older one's file
        assert _get(versioned, VersionId=older) == large
    assert _get(versioned, VersionId=newer) == b"small"


def test_a_version_whose_file_cannot_be_kept_is_held_and_written_later(versioned: Account) -> None:
    older = _put(versioned, b"older")
    in_the_way = versioned.aws.home / "live/s3/.versions"
    in_the_way.touch()
    _put(versioned, b"newer")
    assert _get(versioned, VersionId=older) == b"older"
    in_the_way.unlink()
    versioned.aws.stop()
    versioned.aws.start()
    assert _get(versioned, VersionId=older) == b"older"


def test_a_stored_body_reads_what_is_sliced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    stored = Stored(tmp_path / "a")
    assert (len(stored), stored.read()) == (10, b"0123456789")
    part = stored[2:8]
    assert (len(part), part.read(), part[1:3].read()) == (6, b"234567", b"34")
    assert stored[8:20].read() == b"89"
    with pytest.raises(TypeError, match="slice it without a step"):
        stored[0]
