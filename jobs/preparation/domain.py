"""Reads domain text: exactly one CSV, JSON or TXT file; the column `text`, or the first one."""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from container import JobError
from preparation.records import Record, Rejection
from preparation.source import Source, files_of, listed, read_bytes, read_lines, read_text
from preparation.user_json import read_json, shown

_COLUMN = "text"


def read_domain(directory: Path) -> tuple[Source, Iterator[Record | Rejection]]:
    """Return what is read, and each text of the only data file, or raise JobError."""
    visible = files_of(directory)
    files = [file for file in visible if file.suffix.lower() in _READERS]
    if len(files) != 1:
        found = listed(files or visible)
        raise JobError(f"domain data must hold exactly one CSV, JSON or TXT file, got {found}")
    source = Source((files[0].name,))
    return source, _READERS[files[0].suffix.lower()](files[0], source)


def _read_txt(path: Path, _source: Source) -> Iterator[Record | Rejection]:
    # A text is wrapped at some width, so a paragraph is the smallest whole thing in it.
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n").strip()
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text), start=1):
        if paragraph:
            yield _record(f"paragraph {number}", paragraph)


def _read_csv(path: Path, source: Source) -> Iterator[Record | Rejection]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        header = next(rows, [])
        if not any(header):
            raise JobError(f"{path.name} must start with the names of its columns")
        column = header.index(_choose(source, header))
        start = rows.line_num + 1
        for row in rows:
            place, start = f"line {start}", rows.line_num + 1
            if not row or (len(row) == 1 and row[0].isspace()):  # a blank line
                continue
            if len(row) != len(header):
                reason = f"a row must have {len(header)} columns, got {len(row)}"
                yield Rejection(place, "malformed", reason)
            else:
                yield _record(place, row[column])
    except csv.Error as error:
        raise JobError(f"{path.name} cannot be read at line {rows.line_num}: {error}") from error


def _read_json(path: Path, source: Source) -> Iterator[Record | Rejection]:
    for place, value in _json_values(path):
        if isinstance(value, Rejection):
            yield value
        elif not isinstance(value, dict) or not value:
            reason = f"a record must be a JSON object with keys, got {type(value).__name__}"
            yield Rejection(place, "malformed", reason)
        else:
            column = source.column or _choose(source, list(value))
            if isinstance(text := value.get(column), str):
                yield _record(place, text)
            else:
                reason = f"{shown([column])} must be a string, got {type(text).__name__}"
                yield Rejection(place, "malformed", reason)


def _json_values(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the items of one JSON array, or of JSON Lines."""
    if read_bytes(path).lstrip()[:1] == b"[":
        try:
            values = read_json(read_text(path))
        except ValueError as error:
            raise JobError(f"{path.name} must be one JSON array or JSON Lines: {error}") from error
        yield from ((f"record {number}", value) for number, value in enumerate(values, start=1))
        return
    for place, line in read_lines(path):
        try:
            yield place, read_json(line.decode())
        except ValueError as error:
            yield place, Rejection(place, "malformed", f"a line must be one JSON object: {error}")


_READERS: dict[str, Callable[[Path, Source], Iterator[Record | Rejection]]] = {
    ".csv": _read_csv,
    ".json": _read_json,
    ".jsonl": _read_json,
    ".txt": _read_txt,
}


def _choose(source: Source, names: Sequence[str]) -> str:
    """Choose the column as JumpStart does, which says nothing of it: the source records it."""
    source.columns = tuple(names)
    source.column = _COLUMN if _COLUMN in names else names[0]
    return source.column


def _record(place: str, text: str) -> Record | Rejection:
    if text.strip():
        return Record(place, {_COLUMN: text.strip()})
    return Rejection(place, "empty", "the text is blank")
