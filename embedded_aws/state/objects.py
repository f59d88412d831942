"""The bodies of S3's objects: on the disk, and in memory only while a request needs them.

ministack writes every body to a file, but keeps those of versions in memory as well, and reads a
whole object for each range of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from ministack.services import s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.core.emulator import Json, Response

_refers: ContextVar[bool] = ContextVar("_refers", default=False)


def install() -> None:
    """Make S3 drop bodies that are on the disk, and read only the part that it answers."""
    persist_object, persist_displaced = s3._persist_object, s3._persist_displaced_version
    get_object, read_body, atomic_write = s3._get_object, s3._read_body, s3._atomic_write

    def persist_and_forget(bucket: str, key: str, record: Any) -> None:
        persist_object(bucket, key, record)
        if record["body"] is None:  # it could be written
            forget_versions(bucket, key, record)

    def persist_or_keep(bucket: str, key: str, prior: Json | None, versioning: str) -> None:
        with _by_reference():
            persist_displaced(bucket, key, prior, versioning)
        if prior is not None:
            _keep_version(bucket, key, prior)

    def get_part(bucket: str, key: str, headers: Json, query: Json | None = None) -> Response:
        with _by_reference():
            status, answered, body = get_object(bucket, key, headers, query)
        return status, answered, body.read() if isinstance(body, Stored) else body

    def stored_or_read(bucket: str, key: str, record: Json) -> bytes:
        path = s3._object_disk_path(bucket, key)
        if _refers.get() and record.get("body") is None and path and Path(path).is_file():
            return Stored(Path(path))
        body: bytes = read_body(bucket, key, record)
        return body

    def link_or_write(path: str, data: bytes, *, text: bool = False) -> None:
        if isinstance(data, Stored):
            data.link(Path(path))
        else:
            atomic_write(path, data, text=text)

    s3._persist_object, s3._persist_displaced_version = persist_and_forget, persist_or_keep
    s3._get_object, s3._read_body = get_part, stored_or_read
    s3._atomic_write = link_or_write


@contextmanager
def _by_reference() -> Iterator[None]:
    """Let S3 handle the bodies of files without reading them."""
    token = _refers.set(True)
    try:
        yield
    finally:
        _refers.reset(token)


class Stored(bytes):
    """A file, or after slicing a part of one, that is not read before `read`."""

    _path: Path
    _part: range

    def __new__(cls, path: Path, part: range | None = None) -> Self:
        """Refer to these bytes of the file."""
        made = super().__new__(cls)
        made._path = path
        made._part = range(path.stat().st_size) if part is None else part
        return made

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, part: SupportsIndex | slice) -> Any:
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise TypeError(f"slice it without a step, got {part!r}")
        return Stored(self._path, self._part[part])

    def read(self) -> bytes:
        """Return the bytes."""
        with self._path.open("rb") as file:
            file.seek(self._part.start)
            return file.read(len(self._part))

    def link(self, path: Path) -> None:
        """Give the file another name; it is replaced, never written over, under either."""
        path.unlink(missing_ok=True)
        path.hardlink_to(self._path)


def forget_versions(bucket: str, key: str, record: Json) -> None:
    """Drop the bodies of an object's versions that the disk has: `record` is the current one."""
    for version in s3._object_versions.get((bucket, key), []):
        if version.get("data") is not None and (
            version["version_id"] == _version_id(record)
            or s3._version_file_exists(bucket, key, version["version_id"])
        ):
            version["data"] = None


def _keep_version(bucket: str, key: str, record: Json) -> None:
    """Keep a version in memory when its file could not be linked."""
    name = _version_id(record)
    for version in s3._object_versions.get((bucket, key), []):
        if version["version_id"] == name and not s3._version_file_exists(bucket, key, name):
            version["data"] = s3._read_body(bucket, key, record)


def _version_id(record: Json) -> str:
    return str(record.get("version_id") or "null")
