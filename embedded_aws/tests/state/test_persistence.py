"""What a restart of the embedded AWS finds: the state of one instant, and what was lost."""

import os
import signal
import sys

import pytest

from embedded_aws.state.snapshots import parse
from embedded_aws.tests.account import BUCKET, Account, until
from embedded_aws.tests.disk import SMALL, full_disk
from embedded_aws.tests.rest_api import Api

_MAX_CHANGES = 1000  # a snapshot is taken within about a second


def _newest(account: Account) -> str:
    """The text of the newest snapshot; empty before the first one is written."""
    files = sorted((account.aws.home / "snapshots").glob("*.snapshot"))
    return files[-1].read_text() if files else ""


def _is_saved(account: Account, text: str) -> bool:
    return text in _newest(account)


def _kill(account: Account) -> str:
    """Kill the embedded AWS and start it again; returns what it says that was lost."""
    os.kill(account.aws.pid, signal.SIGKILL)
    account.aws.start()
    return account.aws.run("status").stdout


def _groups(account: Account) -> list[str]:
    found = account.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    return [group["ModelPackageGroupName"] for group in found]


def _versions(account: Account, key: str) -> list[str]:
    found = account.s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    read = account.s3.get_object
    return [
        read(Bucket=BUCKET, Key=key, VersionId=v["VersionId"])["Body"].read().decode()
        for v in found
    ]


def test_records_and_objects_survive_a_kill(own_account: Account) -> None:
    account = own_account
    account.put("a", "one")
    account.put("a", "two")
    account.put("gone", "one")
    account.s3.delete_object(Bucket=BUCKET, Key="gone")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="first")
    until(lambda: _is_saved(account, "first"))
    said = _kill(account)
    assert (account.get("a"), account.keys(""), _groups(account)) == ("two", ["a"], ["first"])
    assert "the embedded AWS was killed: its state is that of 20" in said


def test_a_stop_loses_nothing_and_says_nothing(own_account: Account) -> None:
    own_account.put("a", "one")
    api = Api(own_account)
    api.add("old")
    api.serve()
    api.add("new")
    own_account.aws.stop()
    own_account.aws.start()
    assert own_account.get("a") == "one"
    assert (api.status("old"), api.status("new")) == (200, 403)  # the stage is of before
    assert own_account.aws.run("status").stdout.splitlines()[1:] == ["no stack is deployed"]


def test_a_damaged_snapshot_is_set_aside_and_said(own_account: Account) -> None:
    account = own_account
    account.put("a", "one")
    account.aws.stop()
    newest = max((account.aws.home / "snapshots").glob("*.snapshot"))
    newest.write_text(newest.read_text()[:-100])
    account.aws.start()
    said = account.aws.run("status").stdout
    assert f"a damaged snapshot was set aside: {newest.with_suffix('.unreadable')}" in said
    assert "Traceback" not in account.aws.run("logs").stdout


def _log(account: Account) -> str:
    return (account.aws.home / "server.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files")
def test_afull_disk_breaks_no_service_keeps_the_snapshot_before_and_is_overcome(
    own_account: Account,
) -> None:
    account = own_account
    account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    account.put("a", "small")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="first")
    until(lambda: _is_saved(account, "first"))
    large, larger = "large" * SMALL, "larger" * SMALL
    with full_disk(account.aws.pid):
        account.put("a", large)
        account.put("a", larger)
        account.sagemaker.create_model_package_group(ModelPackageGroupName="second")
        until(lambda: "the state cannot be saved, the disk keeps that of" in _log(account))
        assert account.get("a") == larger  # as S3 said that it was put
        assert set(_groups(account)) == {"first", "second"}
        assert "the state cannot be saved, the disk keeps" in account.aws.run("status").stdout
        os.kill(account.aws.pid, signal.SIGKILL)
    account.aws.start()
    said = account.aws.run("status").stdout
    assert "the embedded AWS was killed" in said
    assert (account.get("a"), _groups(account)) == ("small", ["first"])
    assert _log(account).count("the state cannot be saved") == 1

    with full_disk(account.aws.pid):
        account.put("a", large)
        account.put("a", larger)
        until(lambda: _log(account).count("the state cannot be saved") == 2)
    until(lambda: "the state is saved again" in _log(account))
    assert "cannot be saved" not in account.aws.run("status").stdout
    _kill(account)
    assert _versions(account, "a") == [larger, large, "small"]


def test_a_snapshot_in_the_middle_of_changes_is_whole(own_account: Account) -> None:
    """The object and the record that names it were made one after the other."""
    account = own_account
    seen: set[str] = set()
    for n in range(_MAX_CHANGES):
        account.put(f"weights-{n}", "w")
        account.sagemaker.create_model_package_group(ModelPackageGroupName=f"group-{n}")
        seen |= {_newest(account)} - {""}
        if len(seen) > 2:
            break
    assert len(seen) > 2
    for text in seen:
        snapshot = parse(text)
        groups = [
            n for n in range(_MAX_CHANGES) if f'"group-{n}"' in snapshot.services["local_sagemaker"]
        ]
        names = {name.rpartition("/")[2] for name in snapshot.sizes}
        objects = [n for n in range(_MAX_CHANGES) if f"weights-{n}" in names]
        assert len(objects) - len(groups) in (0, 1)
