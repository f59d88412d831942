"""Reads instruction data: `train.jsonl`, whose keys `template.json` names."""

from collections.abc import Iterator
from pathlib import Path

from container import JobError
from preparation.records import Record, Rejection
from preparation.source import Source, files_of, listed, read_lines
from preparation.template import RecordError, Template, read_template
from preparation.user_json import read_json

_FILES = ("train.jsonl", "template.json")


def read_instruction(directory: Path) -> tuple[Source, Iterator[Record | Rejection]]:
    """Return what is read, and each record or rejection of `train.jsonl`, or raise JobError."""
    found = files_of(directory)
    for name in _FILES:
        if directory / name not in found:
            raise JobError(f"instruction data must hold {name}, got {listed(found)}")
    template = read_template(directory / "template.json")
    lines = read_lines(directory / "train.jsonl")
    return Source(_FILES), (_read(place, line, template) for place, line in lines)


def _read(place: str, line: bytes, template: Template) -> Record | Rejection:
    try:
        return Record(place, template.render(read_json(line.decode())))
    except RecordError as error:
        return Rejection(place, "malformed", str(error))
    except ValueError as error:
        return Rejection(place, "malformed", f"a line must be one JSON object: {error}")
