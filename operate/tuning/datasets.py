"""The data of a fine-tuning: their upload, and the question that their first example asks."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from string import Formatter
from typing import Any

from operate.environment import Client

_START_WORDS = 12  # Of a text, which the model completes.
_LOOKED_AT = 2000  # Characters of it.


def upload(s3: Client, folder: Path, bucket: str) -> str:
    """Upload a folder's files and return their URI, which changes with their content.

    SageMaker reuses the result of an earlier job whose URIs were the same.
    """
    files = _files(folder)
    prefix = f"data/{folder.resolve().name}/{_fingerprint(files)}/"
    uri = f"s3://{bucket}/{prefix}"
    for file in files:
        s3.upload_file(str(file), bucket, f"{prefix}{file.name}")
    print(f"uploaded {', '.join(file.name for file in files)} to {uri}")
    return uri


def first_request(folder: Path, mode: str) -> dict[str, Any]:
    """Return what asks the model for the first example: a `prompt`, or chat `messages`."""
    if mode == "domain":
        text = _files(folder)[0].read_text(encoding="utf-8")[:_LOOKED_AT]
        return {"prompt": " ".join(text.split()[:_START_WORDS])}
    try:
        template = json.loads((folder / "template.json").read_text(encoding="utf-8"))["prompt"]
        with (folder / "train.jsonl").open(encoding="utf-8") as lines:
            question = next(_questions(template, lines))
    except (OSError, ValueError, LookupError, StopIteration, TypeError, RecursionError) as error:
        raise SystemExit(
            f"{folder} must hold train.jsonl and the template.json that its records fit,"
            f" got {type(error).__name__} {error}"
        ) from error
    return {"messages": [{"role": "user", "content": question}]}


def _questions(template: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield the prompts of the records that fit; the preparation job reports the others."""
    parts = [(text, key) for text, key, *_ in _fields(template)]
    for line in lines:
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            record = json.loads(line)
            question = "".join(text + (record[key] if key else "") for text, key in parts)
            question.encode()  # Fails for half a surrogate pair, which JSON can escape.
            yield question


def _fields(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """Return the template's texts, each with the key that follows it; values are only inserted.

    Raise ValueError for anything but plain keys, as the preparation job does: a width would pad
    without bound, and an attribute would read more than the record.
    """
    fields = list(Formatter().parse(template))
    for _, key, form, conversion in fields:
        if key is not None and (not key or set(key) & set(".[") or form or conversion):
            raise ValueError(
                f"template.json must use plain keys such as {{response}}, got {{{key}}}"
            )
    return fields


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SystemExit(f"data must be a folder, got {folder}")
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if not files:
        raise SystemExit(f"data must be a folder with files in it, got {folder}")
    return files


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{content} {file.name}\n".encode())
    return digest.hexdigest()
