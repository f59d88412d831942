"""Reads instruction data: `train.jsonl`, whose keys `template.json` names."""

from collections.abc import Iterator
from pathlib import Path

from container import JobError
from preparation.records import Record, Rejection
from preparation.template import RecordError, Template, read_template
from preparation.user_json import read_json


def read_instruction(directory: Path) -> Iterator[Record | Rejection]:
    """Yield each line of `train.jsonl` as a record or a rejection, or raise JobError."""
    for name in ("train.jsonl", "template.json"):
        if not (directory / name).is_file():
            found = ", ".join(sorted(file.name for file in directory.glob("*"))) or "nothing"
            raise JobError(f"instruction data must hold {name}, got {found}")
    template = read_template(directory / "template.json")
    # Read as bytes: only a line feed ends a line, and a line that is not UTF-8 spoils no other.
    with (directory / "train.jsonl").open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            yield _read(f"line {number}", line, template)


def _read(place: str, line: bytes, template: Template) -> Record | Rejection:
    if not line.strip():
        return Rejection(place, "empty", "the line is blank")
    try:
        return Record(place, template.render(read_json(line.decode("utf-8-sig"))))
    except RecordError as error:
        return Rejection(place, "malformed", str(error))
    except ValueError as error:
        return Rejection(place, "malformed", f"a line must be one JSON object: {error}")
