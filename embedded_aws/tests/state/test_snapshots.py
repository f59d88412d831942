"""Snapshots of the embedded AWS's state: each start finds the state of one instant."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.state import snapshots
from embedded_aws.state.snapshots import Snapshots, UnstableError


@pytest.fixture
def store(tmp_path: Path) -> Snapshots:
    store = Snapshots(tmp_path / "snapshots", tmp_path / "live")
    assert store.restore() == (None, [])
    return store


def _put(tmp_path: Path, name: str, content: str) -> None:
    """Write a file as S3 does: beside the old one, then in its place."""
    new = tmp_path / "new"
    new.write_text(content)
    target = tmp_path / "live" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    new.replace(target)


def _save(store: Snapshots, state: str, *, clean: bool = False) -> bool:
    write = store.copy(lambda: {"s3": state}, 1.0, clean=clean)
    if write:
        write()
    return write is not None


def _restart(tmp_path: Path) -> tuple[str | None, dict[str, str], list[str]]:
    """What a new server finds: the state, its files, and what it set aside."""
    live = tmp_path / "live"
    snapshot, set_aside = Snapshots(tmp_path / "snapshots", live).restore()
    files = {str(p.relative_to(live)): p.read_text() for p in live.rglob("*") if p.is_file()}
    return snapshot.services["s3"] if snapshot else None, files, set_aside


def test_a_restart_finds_the_last_snapshot_and_the_files_of_its_instant(
    store: Snapshots, tmp_path: Path
) -> None:
    _put(tmp_path, "bucket/kept", "1")
    _put(tmp_path, "bucket/changed", "1")
    _put(tmp_path, "bucket/deleted", "1")
    assert _save(store, "one")
    _put(tmp_path, "bucket/changed", "2")
    _put(tmp_path, "bucket/added", "2")
    (tmp_path / "live/bucket/deleted").unlink()
    assert _restart(tmp_path)[:2] == (
        "one",
        {"bucket/kept": "1", "bucket/changed": "1", "bucket/deleted": "1"},
    )


def test_a_state_that_is_saved_already_is_not_written_again(
    store: Snapshots, tmp_path: Path
) -> None:
    _put(tmp_path, "a", "1")
    assert _save(store, "one")
    assert not _save(store, "one")
    assert _save(store, "one", clean=True)
    _put(tmp_path, "a", "2")
    assert _save(store, "one", clean=True)


def test_old_snapshots_are_deleted_and_their_files_with_them(
    store: Snapshots, tmp_path: Path
) -> None:
    for n in range(6):
        if n % 2:
            _put(tmp_path, "a", str(n))
        _save(store, str(n))
    names = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert names == ["00000004.files", "00000005-00000004.snapshot",
                     "00000006-00000006.snapshot", "00000006.files"]  # fmt: skip


@pytest.mark.parametrize("call", ["link", "fsync", "replace"])
def test_a_full_disk_keeps_the_snapshot_before_and_a_later_one_succeeds(
    store: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    _put(tmp_path, "a", "1")
    _save(store, "one")
    _put(tmp_path, "a", "2")

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path if call == "replace" else os, call, fail)
        with pytest.raises(OSError, match="no space"):
            _save(store, "two")
    assert len(list((tmp_path / "snapshots").iterdir())) == 2
    assert _restart(tmp_path)[:2] == ("one", {"a": "1"})


def test_a_later_snapshot_succeeds_after_a_full_disk(
    store: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(OSError, match="no space"):
            _save(store, "one")
    _put(tmp_path, "a", "2")
    _save(store, "two")
    assert _restart(tmp_path) == ("two", {"a": "2"}, [])


def _truncate(path: Path) -> None:
    path.write_text(path.read_text()[:-10])


def _change(path: Path) -> None:
    path.write_text(path.read_text().replace("two", "six"))


def _lose_file(path: Path) -> None:
    (path.parent / f"{path.stem.partition('-')[2]}.files" / "a").unlink()


@pytest.mark.parametrize("damage", [_truncate, _change, _lose_file, Path.unlink])
def test_a_damaged_snapshot_is_set_aside_and_the_one_before_counts(
    store: Snapshots, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    _put(tmp_path, "a", "1")
    _save(store, "one")
    _put(tmp_path, "a", "2")
    _save(store, "two")
    damage(max((tmp_path / "snapshots").glob("*.snapshot")))
    state, files, set_aside = _restart(tmp_path)
    assert (state, files) == ("one", {"a": "1"})
    assert len(set_aside) == (damage is not Path.unlink)
    assert all(".unreadable (" in name for name in set_aside)


def test_what_a_kill_left_half_written_is_not_read_and_goes_away(
    store: Snapshots, tmp_path: Path
) -> None:
    _put(tmp_path, "a", "1")
    _save(store, "one")
    folder = tmp_path / "snapshots"
    (folder / "00000002-00000002.new").write_text("half")
    (folder / "00000002.files").mkdir()
    assert _restart(tmp_path) == ("one", {"a": "1"}, [])
    again = Snapshots(folder, tmp_path / "live")
    again.restore()
    _save(again, "three")
    assert not list(folder.glob("00000002*"))


def test_a_state_that_changes_while_it_is_copied_is_not_saved(
    store: Snapshots, tmp_path: Path
) -> None:
    states = iter(["one", "two"])
    with pytest.raises(UnstableError):
        store.copy(lambda: {"s3": next(states)}, 1.0, clean=False)

    def collect() -> dict[str, str]:
        collected.append("")
        _put(tmp_path, "a", str(len(collected)))
        return {"s3": "one"}

    collected: list[str] = []
    with pytest.raises(UnstableError):
        store.copy(collect, 1.0, clean=False)
    assert list((tmp_path / "snapshots").iterdir()) == []


def test_an_older_copy_that_is_written_later_does_not_count(
    store: Snapshots, tmp_path: Path
) -> None:
    older = store.copy(lambda: {"s3": "one"}, 1.0, clean=False)
    newer = store.copy(lambda: {"s3": "two"}, 2.0, clean=False)
    assert older is not None
    assert newer is not None
    newer()
    older()
    assert _restart(tmp_path)[0] == "two"


def test_a_snapshot_is_read_as_it_was_written() -> None:
    snapshot = snapshots.Snapshot(1.5, {"s3": '{"a": "é"}'}, {"a": 1}, clean=True)
    assert snapshots.parse(snapshot.text()) == snapshot


def test_a_newer_snapshot_waits_for_the_older_that_is_being_written(
    store: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(tmp_path, "bucket/key", "1")
    older = store.copy(lambda: {"s3": "one"}, 1.0, clean=False)
    _put(tmp_path, "bucket/key", "2")
    newer = store.copy(lambda: {"s3": "two"}, 2.0, clean=False)
    assert older
    assert newer
    beside = threading.Thread(target=newer)

    def write_the_newer(_file: int) -> None:
        if beside.ident is None:
            beside.start()
            beside.join(0.5)  # it would have ended by now, and deleted what the older writes

    monkeypatch.setattr(os, "fsync", write_the_newer)
    older()
    beside.join()
    assert _restart(tmp_path) == ("two", {"bucket/key": "2"}, [])


def test_an_older_snapshot_that_comes_late_is_not_written(store: Snapshots, tmp_path: Path) -> None:
    late = store.copy(lambda: {"s3": "one"}, 1.0, clean=False)
    assert _save(store, "two")
    assert late
    late()
    assert not _save(store, "two")
    assert len(list((tmp_path / "snapshots").glob("*.snapshot"))) == 1
    assert _restart(tmp_path)[0] == "two"
