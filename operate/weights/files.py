"""The files of a model's weights on this machine, selected and checked."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

# Pickled weights and Python are left out: loading them can run code.
_WANTED = ("*.safetensors", "*.json", "tokenizer.model", "LICENSE*", "NOTICE*", "README.md")
_CHUNK = 8 * 2**20

Choice = Callable[[Iterable[str]], list[str]]


@dataclass(frozen=True)
class WeightFile:
    """A file with its checksum."""

    name: str
    path: Path
    size: int
    sha256: str


def of_folder(folder: Path) -> list[WeightFile]:
    """Return the wanted files of a folder; raises SystemExit if they are not a model."""
    if not folder.is_dir():
        raise SystemExit(f"FROM must be a folder, got {folder}")
    paths = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    return _checked([describe(name, paths[name]) for name in _wanted(paths)])


def of_hub(repository: str, revision: str) -> list[WeightFile]:
    """Download the wanted files of a commit and compare them with it; raises SystemExit."""
    return _checked(download(repository, revision, _wanted))


def download(repository: str, revision: str, choose: Choice) -> list[WeightFile]:
    """Download files of a commit, of whose names `choose` chooses, and compare them with it.

    Files that were downloaded before are not downloaded again; raises SystemExit.
    """
    from httpx2 import HTTPError  # noqa: PLC0415 - takes seconds
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415 - likewise

    try:
        model = HfApi().model_info(repository, revision=revision, files_metadata=True)
        if model.sha != revision:
            raise SystemExit(f"the hub answers {model.sha} for {repository} at {revision}")
        found = {sibling.rfilename: sibling for sibling in model.siblings or []}
        files = []
        for name in choose(found):
            path = Path(hf_hub_download(repository, name, revision=revision))
            files.append(file := describe(name, path))
            _compare(file, found[name])
    except (HTTPError, OSError) as error:
        raise SystemExit(f"{repository} at {revision} cannot be fetched: {error}") from error
    return files


def _wanted(names: Iterable[str]) -> list[str]:
    wanted = sorted(n for n in names if any(fnmatchcase(n, pattern) for pattern in _WANTED))
    wanted = [name for name in wanted if "/" not in name]
    if left_out := sorted(set(names) - set(wanted)):
        print(f"left out: {', '.join(left_out)}")
    return wanted


def describe(name: str, path: Path) -> WeightFile:
    """Return a file with its checksum."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return WeightFile(name, path, path.stat().st_size, digest.hexdigest())


def _compare(file: WeightFile, said: Any) -> None:  # noqa: ANN401 - the hub's entry of a file
    """Raise SystemExit unless the file is the commit's, by SHA-256 or by git's blob id."""
    if said.lfs:
        found, wanted = file.sha256, said.lfs.sha256
    else:
        content = file.path.read_bytes()
        blob = b"blob %d\0" % len(content) + content
        found, wanted = hashlib.sha1(blob, usedforsecurity=False).hexdigest(), said.blob_id
    if (file.size, found) != (said.size, wanted):
        raise SystemExit(
            f"{file.name} is not the commit's: {file.size} bytes, {found};"
            f" the hub says {said.size} bytes, {wanted}. Delete {file.path} and try again"
        )


def _checked(files: list[WeightFile]) -> list[WeightFile]:
    by_name = {file.name: file for file in files}
    if "config.json" not in by_name or not any(n.endswith(".safetensors") for n in by_name):
        raise SystemExit(f"a model must hold config.json and safetensors, got {sorted(by_name)}")
    for name in ("config.json", "tokenizer_config.json"):
        if name in by_name and "auto_map" in _settings(by_name[name].path):
            raise SystemExit(f"{name} must not have auto_map: it would load the model's own Python")
    return files


def _settings(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (RecursionError, ValueError) as error:
        raise SystemExit(f"{path} must be JSON, as the model's maker wrote it: {error}") from error
    if not isinstance(found, dict):
        raise SystemExit(
            f"{path} must be a JSON object, as the model's maker wrote it, got a"
            f" {type(found).__name__}"
        )
    return found
