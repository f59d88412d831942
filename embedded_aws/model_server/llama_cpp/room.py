"""llama-server's room: its flags, its model, and nginx before it."""

from collections.abc import Mapping
from pathlib import Path

from embedded_aws.model_server import packaged
from embedded_aws.model_server.engine import Engine, parameters
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama_cpp import flags
from embedded_aws.model_server.llama_cpp.app import App
from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.weights import MODEL_DATA_ID, packaged_model

# Where the packaged file could be had from.
HUB_REPOSITORY = f"{packaged.MODEL_ID}-GGUF"
_AUTOMATIC = -1
_CONNECTIONS = 32  # llama-server queues what its slots cannot take, each on a thread


def furnish(environment: Mapping[str, str]) -> Room:
    """Load what the environment names; raises SettingsError."""
    model = find_model(environment)
    params = parameters(model)
    params.n_parallel = _AUTOMATIC  # as llama-server does: four slots that share the context
    flags.apply(params, environment)
    connections = max(_CONNECTIONS, params.n_threads_http)
    return Room(App(Engine(params, connections)).asgi(), f"llama-server serves {model}")


def find_model(environment: Mapping[str, str]) -> Path:
    """Return the file that the image's entry point, or else llama-server, finds."""
    folder = Path(environment.get("SM_MODEL_DIR", MODEL_DATA_ID))
    if given := environment.get(f"{flags.PREFIX}MODEL"):
        in_model_data = given.removeprefix(f"{MODEL_DATA_ID}/")
        path = Path(given) if in_model_data == given else folder / in_model_data
        if not path.is_file():
            raise SettingsError(f"{flags.PREFIX}MODEL must be a GGUF file, got {given!r}")
        return path
    if found := [*sorted(folder.glob("*.gguf")), *sorted(folder.glob("*/*.gguf"))]:
        return found[0]
    match environment.get(f"{flags.PREFIX}HF_REPO"):
        case None:
            # The real llama-server starts without a model, and answers each request with an error.
            raise SettingsError(
                f"no *.gguf found under {MODEL_DATA_ID}: set {flags.PREFIX}MODEL, or mount a GGUF"
            )
        case repository if repository.partition(":")[0] == HUB_REPOSITORY:
            return packaged_model()
        case repository:
            raise SettingsError(
                f"{flags.PREFIX}HF_REPO must be {HUB_REPOSITORY}: the embedded AWS downloads "
                f"nothing, got {repository!r}"
            )
