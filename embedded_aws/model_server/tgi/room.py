"""TGI's room: its settings, its weights and its application."""

from collections.abc import Mapping

from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.tgi.app import App
from embedded_aws.model_server.tgi.generator import Generator
from embedded_aws.model_server.tgi.settings import read_settings
from embedded_aws.model_server.weights import find_weights


def furnish(environment: Mapping[str, str]) -> Room:
    """Load what the environment names; raises SettingsError."""
    settings = read_settings(environment)
    weights = find_weights("HF_MODEL_ID", settings.hf_model_id, settings.sm_model_dir)
    llama = Llama(weights, settings.max_total_tokens)
    # The log line with which TGI, too, says that the weights are loaded.
    loaded = (
        f"serves {settings.hf_model_id}, up to {settings.max_input_length} input tokens "
        f"and {settings.max_total_tokens} in all"
    )
    return Room(App(Generator(llama, settings), settings).asgi(), loaded)
