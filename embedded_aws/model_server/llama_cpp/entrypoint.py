"""The entry point of AWS's llama.cpp images: it finds the model, and makes flags of variables."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from embedded_aws.model_server import packaged
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.weights import MODEL_DATA_ID, packaged_model

_PREFIX = "SM_LLAMA_CPP_"
_OF_THE_ENTRY_POINT = {f"{_PREFIX}{name}" for name in ("MODEL", "MODEL_DIR", "PORT")}
# Where the packaged file could be had from.
HUB_REPOSITORY = f"{packaged.MODEL_ID}-GGUF"


def flags(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the flags that the image's entry point hands to llama-server, with their values."""
    for name, value in environment.items():
        if not name.startswith(_PREFIX) or name in _OF_THE_ENTRY_POINT:
            continue
        if value.lower() != "false":
            flag = name.removeprefix(_PREFIX).lower().replace("_", "-")
            yield f"--{flag}", "" if value.lower() == "true" else value


def is_of_this_machine(environment: Mapping[str, str]) -> bool:
    """Return whether the model is a person's own file, which no container on AWS could see."""
    given = environment.get(f"{_PREFIX}MODEL", "")
    return bool(given) and not given.startswith(f"{MODEL_DATA_ID}/")


def find_model(environment: Mapping[str, str]) -> Path:
    """Return the file that the image's entry point, or else llama-server, finds."""
    folder = Path(environment.get("SM_MODEL_DIR", MODEL_DATA_ID))
    if given := environment.get(f"{_PREFIX}MODEL"):
        in_model_data = given.removeprefix(f"{MODEL_DATA_ID}/")
        path = Path(given) if in_model_data == given else folder / in_model_data
        if not path.is_file():
            raise SettingsError(f"{_PREFIX}MODEL must be a GGUF file, got {given!r}")
        return path
    if found := [*sorted(folder.glob("*.gguf")), *sorted(folder.glob("*/*.gguf"))]:
        return found[0]
    match environment.get(f"{_PREFIX}HF_REPO"):
        case None:
            # The real llama-server starts without a model, and answers each request with an error.
            raise SettingsError(
                f"no *.gguf found under {MODEL_DATA_ID}: set {_PREFIX}MODEL, or mount a GGUF"
            )
        case repository if repository.partition(":")[0] == HUB_REPOSITORY:
            return packaged_model()
        case repository:
            raise SettingsError(
                f"{_PREFIX}HF_REPO must be {HUB_REPOSITORY}: the embedded AWS downloads "
                f"nothing, got {repository!r}"
            )
