"""The user's files: which are read, in which encoding, and what was chosen in them."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from container import JobError

_FOREIGN = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_LISTED = 5
_MAX_ZEROS = 0.2  # UTF-16 without its mark has one in every other place
_MARK = codecs.BOM_UTF8  # Editors of Windows write it.


@dataclass
class Source:
    """The files that are read; for texts in columns, the chosen one among all that there are."""

    files: tuple[str, ...]
    column: str | None = None
    columns: tuple[str, ...] = field(default=())


def files_of(directory: Path) -> list[Path]:
    """Return the files that a person sees in a folder: no folders in it, and no hidden files."""
    found = (file for file in directory.iterdir() if not file.name.startswith("."))
    return sorted(file for file in found if file.is_file())


def listed(files: list[Path]) -> str:
    """Return the first names for a message."""
    more = ["..."] if len(files) > _LISTED else []
    return ", ".join([file.name for file in files[:_LISTED]] + more) or "nothing"


def read_bytes(path: Path) -> bytes:
    """Return a file's content without its mark of UTF-8; raise JobError for other encodings.

    What is not UTF-8 only in places is left to the reader: a line of it spoils no other.
    """
    content = path.read_bytes()
    for encoding, marks in _FOREIGN.items():
        if content.startswith(marks):
            raise JobError(f"{path.name} must be saved as UTF-8, got {encoding}")
    if content.count(0) > len(content) * _MAX_ZEROS:
        raise JobError(f"{path.name} must be saved as UTF-8, got UTF-16 or no text")
    return content.removeprefix(_MARK)


def read_text(path: Path) -> str:
    """Return a file's text; raise JobError for what is not UTF-8."""
    content = read_bytes(path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise JobError(
            f"{path.name} must be saved as UTF-8: line {_line_of(content, error.start)} is not,"
            f" it has the byte {content[error.start]:#04x}"
        ) from error


def read_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each line that is not blank, with its place: only a line feed ends one."""
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if text := line.removeprefix(_MARK).strip():  # files that were joined have it within
            yield f"line {number}", text


def _line_of(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
