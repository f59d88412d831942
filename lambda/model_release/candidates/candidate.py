"""A finished training job's model, and the checks that it passes before it is kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_release.candidates import file_content
from model_release.inventory import GGUF, INVENTORIES, MODELS, WEIGHTS, File, check_name

_FOLDER = re.compile(r"candidates/([A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))/output/model/")
_SETTINGS = ("config.json", "tokenizer_config.json")  # the ends of their names
_MAX_FILES, _MAX_BYTES = 1000, 64 * 2**30


class StoreError(Exception):
    """A candidate that is not kept; the text is the reason that the step shows."""


@dataclass(frozen=True)
class Candidate:
    """Where a training job wrote its model, and where the model is kept."""

    bucket: str
    folder: str
    job: str

    @classmethod
    def at(cls, uri: str, bucket: str) -> "Candidate":
        """Return the candidate at an S3 URI; raise StoreError for any other place."""
        folder = uri.removeprefix(f"s3://{bucket}/")
        match = _FOLDER.fullmatch(folder)
        if match is None:
            raise StoreError(
                f"a candidate must be s3://{bucket}/candidates/<training job>/output/model/,"
                f" got {uri}"
            )
        return cls(bucket, folder, match[1])

    @property
    def target(self) -> str:
        """The key of the folder that the model is copied to."""
        return f"{MODELS}{self.job}/"

    @property
    def inventory(self) -> str:
        """The key of the inventory of the copies."""
        return f"{INVENTORIES}{self.job}.json"


def check_candidate(s3: Any, candidate: Candidate, files: Sequence[File]) -> None:  # noqa: ANN401 - boto3 has no types
    """Raise StoreError unless the files are a model that an endpoint may load."""
    _check_sizes(candidate, files)
    for file in files:
        try:
            _check_file(s3, candidate, file)
        except ValueError as error:
            raise StoreError(f"{file.name}: {error}") from error


def _check_sizes(candidate: Candidate, files: Sequence[File]) -> None:
    total, names = sum(file.size for file in files), {file.name for file in files}
    if not files:
        raise StoreError(f"no file lies under {candidate.folder}")
    if len(files) > _MAX_FILES or total > _MAX_BYTES:
        raise StoreError(
            f"a model must have {_MAX_FILES} files and {_MAX_BYTES} bytes at most,"
            f" got {len(files)} files and {total} bytes"
        )
    weights = [name for name in names if "/" not in name and name.endswith(WEIGHTS)]
    # llama.cpp serves the first file that it finds; the other servers never look at one.
    is_one_kind = len(weights) == 1 or not any(map(_is_gguf, weights))
    if "config.json" not in names or not weights or not is_one_kind:
        raise StoreError(
            f"a model must hold config.json, and safetensors or one GGUF file, got {sorted(names)}"
        )


def _check_file(s3: Any, candidate: Candidate, file: File) -> None:  # noqa: ANN401 - boto3 has no types
    """Raise ValueError for a file that an endpoint must not load."""
    check_name(file.name)
    if _is_gguf(file.name):
        beginning = min(file.size, file_content.MAX_HEADER_BYTES)
        file_content.check_gguf(_read(s3, candidate, file, 0, beginning), file.size)
    elif file.name.endswith(WEIGHTS):
        start = file_content.PREFIX_BYTES
        prefix = _read(s3, candidate, file, 0, start)
        length = file_content.header_length(prefix, file.size)
        header = _read(s3, candidate, file, start, length)
        file_content.check_header(header, file.size - start - length)
    elif file.size > file_content.MAX_TEXT_BYTES:
        raise ValueError(f"must have {file_content.MAX_TEXT_BYTES} bytes at most, got {file.size}")
    elif file.name.endswith(_SETTINGS):
        file_content.check_settings(_read(s3, candidate, file, 0, file.size))


def _is_gguf(name: str) -> bool:
    return name.endswith(GGUF)


def _read(s3: Any, candidate: Candidate, file: File, first: int, count: int) -> bytes:  # noqa: ANN401 - boto3 has no types
    """Read a range of the content that was listed: S3 refuses any other content."""
    if file.size < first + count or not count:
        return b""
    answer = s3.get_object(
        Bucket=candidate.bucket,
        Key=candidate.folder + file.name,
        IfMatch=f'"{file.etag}"',
        Range=f"bytes={first}-{first + count - 1}",
    )
    content: bytes = answer["Body"].read()
    return content
