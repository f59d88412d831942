"""The state on the disk: whole snapshots, of which the newest readable one counts.

A snapshot is a file, `<number>-<number of its folder>.snapshot`, and a folder of files. Both are
written beside the older ones, and the file is renamed into its place at last: whatever happens
before leaves the older ones as they are. What the folder holds are hard links to the files of the
live folder, which are replaced, never written over; snapshots between which no file changed share
one folder.
"""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_KEPT = 2  # the disk may damage the newest
_Listing = dict[str, tuple[int, int, int]]  # inode, size and time of each file


class UnstableError(Exception):
    """The state changed while it was being copied."""


@dataclass(frozen=True)
class Snapshot:
    """The state of one instant; `services` holds the JSON text of each."""

    saved_at: float
    services: dict[str, str]
    sizes: dict[str, int] = field(default_factory=dict)  # of each file
    clean: bool = False  # the server was stopped, and saved it last of all

    def text(self) -> str:
        """Return what its file holds: a digest of all the rest comes first."""
        document = json.dumps(vars(self))
        return f"{_digest(document)}\n{document}"


def parse(text: str) -> Snapshot:
    """Return the snapshot that a file holds; raises ValueError when it is damaged."""
    digest, _, document = text.partition("\n")
    if digest != _digest(document):
        raise ValueError("its digest does not match its content")
    return Snapshot(**json.loads(document))


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


class Snapshots:
    """The snapshots in `folder`: of the files in `live`, and of what the services hold."""

    def __init__(self, folder: Path, live: Path) -> None:
        self._folder = folder
        self._live = live
        self._number = 0
        self._last: tuple[Snapshot, _Listing, Path] | None = None
        self._writing = threading.Lock()
        self._written = 0  # the newest

    def restore(self) -> tuple[Snapshot | None, list[str]]:
        """Make the live folder what the newest readable snapshot says.

        Returns that snapshot, and which newer ones were set aside.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._live, ignore_errors=True)
        self._live.mkdir(mode=0o700)
        self._number = max((_number(path) for path in self._folder.iterdir()), default=0)
        set_aside = []
        for path in self._paths():
            try:
                snapshot = parse(path.read_text(encoding="utf-8"))
                _check(self._files(path), snapshot.sizes)
            except (OSError, ValueError) as error:
                path.replace(path.with_suffix(".unreadable"))
                set_aside.append(f"{path.with_suffix('.unreadable')} ({error})")
                continue
            _link(self._files(path), self._live, snapshot.sizes)
            self._last = snapshot, _listing(self._live), self._files(path)
            return snapshot, set_aside
        return None, set_aside

    def copy(
        self, collect: Callable[[], dict[str, str]], saved_at: float, *, clean: bool
    ) -> Callable[[], None] | None:
        """Copy the state of this instant, and return what writes it: None if that is done already.

        Two equal copies prove that all was as they say at the instant between them: raises
        UnstableError when what `collect` returns, or a file, changed meanwhile.
        """
        services = collect()
        listing = _listing(self._live)
        if self._last:
            last, last_listing, files = self._last
            if (services, listing, clean) == (last.services, last_listing, last.clean):
                return None
        self._number += 1
        number = self._number
        if not self._last or listing != last_listing:
            files = self._folder / f"{number:08}.files"
        try:
            if not files.exists():
                _link(self._live, files, listing)
            if collect() != services or _listing(self._live) != listing:
                raise UnstableError
        except FileNotFoundError as error:  # one that was there a moment ago
            self._discard(number)
            raise UnstableError from error
        except BaseException:
            self._discard(number)
            raise
        sizes = {name: size for name, (_inode, size, _time) in listing.items()}
        snapshot = Snapshot(saved_at, services, sizes, clean)
        return lambda: self._write_once(number, snapshot, listing, files)

    def _write_once(self, number: int, snapshot: Snapshot, listing: _Listing, files: Path) -> None:
        """Write a snapshot, after an older one that is being written, or not after a newer one."""
        with self._writing:
            if number < self._written:
                self._discard(number)
                return
            self._write(number, snapshot, listing, files)
            self._written = number

    def _write(self, number: int, snapshot: Snapshot, listing: _Listing, files: Path) -> None:
        path = self._folder / f"{number:08}-{_number(files):08}.snapshot"
        try:
            with path.with_suffix(".new").open("w", encoding="utf-8") as file:
                file.write(snapshot.text())
                file.flush()
                os.fsync(file.fileno())
            path.with_suffix(".new").replace(path)
        except BaseException:
            path.with_suffix(".new").unlink(missing_ok=True)
            self._discard(number)
            raise
        self._last = snapshot, listing, files
        self._prune()

    def _discard(self, number: int) -> None:
        shutil.rmtree(self._folder / f"{number:08}.files", ignore_errors=True)

    def _prune(self) -> None:
        """Delete what is older than the newest snapshots, and not theirs, as another may too."""
        kept = self._paths()[:_KEPT]
        used = {*kept, *map(self._files, kept)}
        for path in set(self._folder.iterdir()) - used:
            if _number(path) < _number(kept[0]) and path.suffix != ".unreadable":
                shutil.rmtree(path, ignore_errors=True)
                if not path.is_dir():
                    path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.snapshot"), reverse=True)

    def _files(self, path: Path) -> Path:
        return self._folder / f"{path.stem.partition('-')[2]}.files"


def _number(path: Path) -> int:
    return int(path.name[:8])


def _check(folder: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        if (folder / name).stat().st_size != size:
            raise ValueError(f"the size of {name} has changed")


def _link(source: Path, target: Path, names: Iterable[str]) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.link(source / name, target / name)


def _listing(folder: Path) -> _Listing:
    found: _Listing = {}
    for parent, _folders, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(FileNotFoundError):
                at = path.lstat()
                found[str(path.relative_to(folder))] = (at.st_ino, at.st_size, at.st_mtime_ns)
    return found
