"""What a released model's folder may hold, and the inventory that the store writes of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MODELS, INVENTORIES = "models/", "inventories/"  # prefixes of the artefact bucket

# Weights hold numbers only, as safetensors or as llama.cpp's file: loading others can run code.
SAFETENSORS, GGUF = ".safetensors", ".gguf"
WEIGHTS = (SAFETENSORS, GGUF)
_ADAPTER = "adapter/"  # the one folder beside the weights
_KNOWN = frozenset(
    (
        ".gitattributes",
        "README.md",
        "adapter_config.json",
        "added_tokens.json",
        "chat_template.jinja",
        "chat_template.json",
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors.index.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "vocab.json",
    )
)
_TEXTS = ("LICENSE", "LICENCE", "NOTICE", "USE_POLICY")
_TEXT_SUFFIXES = ("", ".md", ".txt")


@dataclass(frozen=True)
class File:
    """One file of a model's folder, as S3 lists it."""

    name: str  # relative to the folder
    size: int
    etag: str  # without S3's quotes


def check_name(name: str) -> None:
    """Raise ValueError unless a file is weights, or known to be read as text."""
    base = name.removeprefix(_ADAPTER)
    stem, dot, suffix = base.partition(".")
    is_text = stem.upper() in _TEXTS and dot + suffix in _TEXT_SUFFIXES
    suffixes = WEIGHTS if base == name else (SAFETENSORS,)
    is_weights = base.endswith(suffixes) and base not in suffixes
    if "/" in base or not (is_weights or is_text or base in _KNOWN):
        raise ValueError(
            "a model must hold safetensors or a GGUF file, and files of the tokenizer, the"
            f" configuration and the licence beside them, got {name}"
        )


def list_files(s3: Any, bucket: str, folder: str) -> list[File]:  # noqa: ANN401 - boto3 has no types
    """Return the files under a key, named by what follows it, sorted by name."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    found = (item for page in pages for item in page.get("Contents", []))
    files = (
        File(item["Key"].removeprefix(folder), item["Size"], item["ETag"].strip('"'))
        for item in found
    )
    return sorted(files, key=lambda file: file.name)


def has_object(s3: Any, bucket: str, key: str) -> bool:  # noqa: ANN401 - boto3 has no types
    """Return whether the bucket holds the object, by listing it.

    S3 denies the read of a missing object to a role that may not list the bucket, and no page of
    AWS says whether a permission to list under a prefix counts there.
    """
    return any(not file.name for file in list_files(s3, bucket, key))


def to_bytes(files: Sequence[File]) -> bytes:
    """Return the inventory of files as it is kept."""
    document = {"files": [asdict(file) for file in sorted(files, key=lambda file: file.name)]}
    return json.dumps(document, separators=(",", ":")).encode()


def from_bytes(content: bytes) -> list[File]:
    """Return the files of an inventory; raise ValueError for what is none."""
    try:
        files = [File(**file) for file in json.loads(content)["files"]]
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"must list files, got {error!r}") from error
    for file in files:
        if [type(each) for each in (file.name, file.size, file.etag)] != [str, int, str]:
            raise ValueError(f"must list files by name, size and etag, got {file}")
    return files


def digest(inventory: bytes) -> str:
    """Return what a package says of its inventory."""
    return hashlib.sha256(inventory).hexdigest()
