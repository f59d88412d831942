"""The data of a fine-tuning: read as the preparing job will, and uploaded."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operate.environment import Client

_JOBS = Path(__file__).parents[2] / "jobs"
_MAX_NAME = 64
_START_WORDS = 12  # Of a text, which the model completes.


@dataclass(frozen=True)
class Data:
    """The files that are read in a folder, and the first record that is trained on."""

    folder: Path
    files: tuple[Path, ...]
    first: dict[str, str]

    @property
    def first_request(self) -> dict[str, Any]:
        """Return what asks the model for that record: a `prompt`, or chat `messages`."""
        if "text" in self.first:
            return {"prompt": " ".join(self.first["text"].split()[:_START_WORDS])}
        return {"messages": [{"role": "user", "content": self.first["prompt"]}]}

    def uri(self, bucket: str) -> str:
        """Return where they are uploaded to, which changes with their content.

        SageMaker reuses the result of an earlier job whose URIs were the same.
        """
        digest = hashlib.sha256()
        for file in self.files:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{content} {file.name}\n".encode())
        # The registry keeps the URI, and takes no other signs in it.
        name = re.sub(r"[^\w.-]", "-", self.folder.resolve().name)[:_MAX_NAME]
        return f"s3://{bucket}/data/{name}/{digest.hexdigest()}/"


def read_data(folder: Path, arguments: Sequence[str]) -> Data:
    """Read a folder with the preparing job's own code and arguments.

    Raise SystemExit for what it would refuse, and print what looks wrong.
    """
    if not folder.is_dir():
        raise SystemExit(f"data must be a folder, got {folder}")
    ended = subprocess.run(  # noqa: S603 - no shell: each argument is one word
        [sys.executable, _JOBS, "check", folder, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(ended.stderr.strip())
    found = json.loads(ended.stdout)
    for warning in found["warnings"]:
        print(f"warning: {warning}")
    return Data(folder, tuple(folder / name for name in found["files"]), found["first"])


def upload(s3: Client, data: Data, bucket: str) -> None:
    """Upload the files that are read, and no others."""
    uri = data.uri(bucket)
    for file in data.files:
        s3.upload_file(str(file), bucket, uri.removeprefix(f"s3://{bucket}/") + file.name)
    print(f"uploaded {', '.join(file.name for file in data.files)} to {uri}")
