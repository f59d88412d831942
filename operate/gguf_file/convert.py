"""A tuned model as the file that llama.cpp serves: `make gguf`."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the jobs' sources findable

from pathlib import Path

from gguf_files.convert import convert
from gguf_files.header import RefusedFileError


def gguf(*, source: Path | None, target: Path | None, kind: str) -> None:
    """Write a checkpoint's folder as one GGUF file; raises SystemExit with why not."""
    if source is None or target is None:
        raise SystemExit("give the checkpoint's folder and the new file: FROM=folder TO=file.gguf")
    if target.exists():
        raise SystemExit(f"TO must name a new file: {target} exists")
    try:
        convert(source, target, kind)
    except RefusedFileError as error:
        raise SystemExit(f"{source} cannot be written as a GGUF file: {error}") from error
    print(f"{target}: {target.stat().st_size} bytes, {kind}")
