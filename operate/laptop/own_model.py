"""A person's own GGUF file in place of the packaged model: checked, named to the app, linked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from embedded_aws.host import contents, control, home
from operate.gguf_file.fitness import GgufFile, check_memory, open_file

if TYPE_CHECKING:
    from sagemaker_llm import CatalogEntry

DEFAULT_ENTRY = "mistral-7b-instruct"
# app.py reads them.
VARIABLES = ("LOCAL_MODEL", "LOCAL_ENTRY", "LOCAL_WINDOW", "LOCAL_THREADS")
_LINKS = home.HOME / "models"


@dataclass(frozen=True)
class OwnModel:
    """The file under a name that changes with its content, and the entry that it is served as."""

    file: Path
    link: Path
    entry: "CatalogEntry"

    @property
    def is_base(self) -> bool:
        """Whether it only completes texts."""
        return self.entry.prompt_format.value == "none"

    @property
    def variables(self) -> dict[str, str]:
        """What app.py makes the environment `local` from."""
        window = str(self.entry.limits.max_total_tokens)
        values = (str(self.link), self.entry.model_id, window, str(_threads()))
        return dict(zip(VARIABLES, values, strict=True))

    def make_link(self) -> None:
        """Make the link; only while no other CDK CLI may run, as that may forget it."""
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.file.resolve())


def choose(path: Path | None, entry: str | None) -> OwnModel | None:
    """Return the person's model; None if none is named. Raises SystemExit with why not."""
    if path is None:
        if entry:
            raise SystemExit(f"give MODEL with ENTRY: the file to serve as {entry}")
        return None
    name = entry or DEFAULT_ENTRY
    try:
        return _checked(open_file(path), name)
    except ValueError as error:
        raise SystemExit(f"{path} cannot be served as {name}: {error}") from error


def _checked(file: GgufFile, name: str) -> OwnModel:
    from operate.gguf_file.vocabulary import check_same, load  # noqa: PLC0415 - makes stacks findable
    from stacks import environments  # noqa: PLC0415 - the CDK takes two seconds

    link = _link_name(file)
    entry = environments.own_model(str(link), name, window=file.context, threads=_threads())
    check_same(file.metadata, load(entry.tokenizer.value))
    limits = entry.limits
    if str(link) not in _opened():
        tokens = limits.max_total_tokens * limits.max_concurrent_requests
        check_memory(file, tokens, psutil.virtual_memory().available)
    print(
        f"{file.path.name}: {limits.max_concurrent_requests} requests at a time,"
        f" {limits.max_total_tokens} tokens each"
    )
    return OwnModel(file.path, link, entry)


def _threads() -> int:
    """Return the processor's cores but one, which the rest of the embedded AWS needs.

    With a thread for each, all wait for the one whose core does something else.
    """
    return max(1, (psutil.cpu_count(logical=False) or 1) - 1)


def _link_name(file: GgufFile) -> Path:
    about = file.path.stat()
    identity = f"{file.path.resolve()}\0{about.st_size}\0{about.st_mtime_ns}"
    return _LINKS / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.gguf"


def forget_unused() -> None:
    """Remove the links that no model of the embedded AWS names, while it runs and can say so.

    Only while no other CDK CLI may run: a model that is about to be deployed has its link before.
    """
    if control.running_pid() is None:
        return
    opened = _opened()
    for link in _LINKS.glob("*.gguf"):
        if str(link) not in opened:
            link.unlink()


def _opened() -> set[str]:
    """Return the files that containers have open: their memory is theirs already."""
    if control.running_pid() is None:
        return set()
    sagemaker = contents.client("sagemaker")
    pages = sagemaker.get_paginator("list_models").paginate()
    models = (
        sagemaker.describe_model(ModelName=model["ModelName"])
        for page in pages
        for model in page["Models"]
    )
    environments = (model["PrimaryContainer"].get("Environment", {}) for model in models)
    return {each.get("SM_LLAMA_CPP_MODEL", "") for each in environments}
