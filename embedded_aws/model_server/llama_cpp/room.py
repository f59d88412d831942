"""llama-server's room: its flags, its model, and nginx before it."""

from collections.abc import Mapping
from pathlib import Path

import xllamacpp

from embedded_aws.model_server.engine import Engine, parameters
from embedded_aws.model_server.llama_cpp import entrypoint, flags
from embedded_aws.model_server.llama_cpp.app import App
from embedded_aws.model_server.serving import Room

_AUTOMATIC = -1
_CONNECTIONS = 32  # llama-server queues what its slots cannot take, each on a thread


def furnish(environment: Mapping[str, str]) -> Room:
    """Load what the environment names; raises SettingsError."""
    model = entrypoint.find_model(environment)
    params = read_parameters(environment, model)
    connections = max(_CONNECTIONS, params.n_threads_http)
    return Room(App(Engine(params, connections)).asgi(), f"llama-server serves {model}")


def read_parameters(environment: Mapping[str, str], model: Path) -> xllamacpp.CommonParams:
    """Return the model's parameters, as the environment's flags have them."""
    params = parameters(model)
    params.n_parallel = _AUTOMATIC  # as llama-server does: four slots that share the context
    threads = params.cpuparams.n_threads
    flags.apply(params, entrypoint.flags(environment))
    if not entrypoint.is_of_this_machine(environment):
        # The flags count the cores of the endpoint's instance, which are not here.
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    return params
