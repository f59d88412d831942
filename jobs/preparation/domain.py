"""Reads domain text: exactly one CSV, JSON or TXT file; the column `text`, or the first one."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from container import JobError
from preparation.records import Record, Rejection
from preparation.user_json import read_json, shown

_COLUMN = "text"


def read_domain(directory: Path) -> Iterator[Record | Rejection]:
    """Yield each text of the only data file as a record or a rejection, or raise JobError."""
    readers = {".csv": _read_csv, ".json": _read_json, ".jsonl": _read_json, ".txt": _read_txt}
    files = sorted(file for file in directory.glob("*") if file.suffix.lower() in readers)
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise JobError(f"domain data must hold exactly one CSV, JSON or TXT file, got {found}")
    yield from readers[files[0].suffix.lower()](files[0])


def _read_txt(path: Path) -> Iterator[Record | Rejection]:
    # A text is wrapped at some width, so a paragraph is the smallest whole thing in it.
    for number, paragraph in enumerate(re.split(r"\n\s*\n", _text(path).strip()), start=1):
        yield _record(f"paragraph {number}", paragraph)


def _read_csv(path: Path) -> Iterator[Record | Rejection]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        header = next(rows, [])
        if not any(header):
            raise JobError(f"{path.name} must start with the names of its columns")
        column = header.index(_COLUMN) if _COLUMN in header else 0
        start = rows.line_num + 1
        for row in rows:
            place, start = f"line {start}", rows.line_num + 1
            if row and len(row) != len(header):
                reason = f"a row must have {len(header)} columns, got {len(row)}"
                yield Rejection(place, "malformed", reason)
            else:
                yield _record(place, row[column] if row else "")
    except csv.Error as error:
        raise JobError(f"{path.name} cannot be read at line {rows.line_num}: {error}") from error


def _read_json(path: Path) -> Iterator[Record | Rejection]:
    column: str | None = None
    for place, value in _json_values(path):
        if isinstance(value, Rejection):
            yield value
        elif not isinstance(value, dict) or not value:
            reason = f"a record must be a JSON object with keys, got {type(value).__name__}"
            yield Rejection(place, "malformed", reason)
        else:
            column = column or (_COLUMN if _COLUMN in value else next(iter(value)))
            if isinstance(text := value.get(column), str):
                yield _record(place, text)
            else:
                reason = f"{shown([column])} must be a string, got {type(text).__name__}"
                yield Rejection(place, "malformed", reason)


def _json_values(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the items of one JSON array, or of JSON Lines."""
    content = _text(path)
    if content.lstrip().startswith("["):
        try:
            values = read_json(content)
        except ValueError as error:
            raise JobError(f"{path.name} must be one JSON array or JSON Lines: {error}") from error
        yield from ((f"record {number}", value) for number, value in enumerate(values, start=1))
        return
    for number, line in enumerate(io.StringIO(content, newline="\n"), start=1):
        place = f"line {number}"
        try:
            yield place, read_json(line) if line.strip() else _blank(place)
        except ValueError as error:
            yield place, Rejection(place, "malformed", f"a line must be one JSON object: {error}")


def _record(place: str, text: str) -> Record | Rejection:
    return Record(place, {_COLUMN: text.strip()}) if text.strip() else _blank(place)


def _blank(place: str) -> Rejection:
    return Rejection(place, "empty", "the text is blank")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JobError(f"{path.name} must be UTF-8: byte {error.start} is not") from error
