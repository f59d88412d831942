"""Archives from outside: unpacked only into their folder, on every Python from 3.11.0 on."""

import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

# What opening and unpacking raise for what is no archive, is cut off, or would leave the folder.
BROKEN = (OSError, EOFError, tarfile.TarError, zlib.error)


def unpack(
    archive: tarfile.TarFile, folder: Path, members: Iterable[tarfile.TarInfo] | None = None
) -> None:
    """Unpack an archive, or these members of it; raises TarError for what would leave the folder.

    Python has had filters since 3.11.4, and Debian 12 has 3.11.2: there, only plain files and
    folders are taken.
    """
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, members, filter="data")
        return
    wanted = list(archive if members is None else members)
    for member in wanted:
        _check(member, folder.resolve())
    archive.extractall(folder, wanted)  # noqa: S202 - checked above


def _check(member: tarfile.TarInfo, folder: Path) -> None:
    if not (member.isreg() or member.isdir()):
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a folder")
    if not (folder / member.name).resolve().is_relative_to(folder):
        raise tarfile.TarError(f"{member.name!r} would be outside the folder")
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
