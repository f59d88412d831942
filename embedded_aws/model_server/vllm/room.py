"""vLLM's room: its flags, its weights and its application."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama import MAX_SLOTS, Llama
from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.vllm.adapters import Adapters, may_change
from embedded_aws.model_server.vllm.app import VERSION, App
from embedded_aws.model_server.vllm.entrypoint import arguments
from embedded_aws.model_server.vllm.flags import parse
from embedded_aws.model_server.vllm.generator import Generator
from embedded_aws.model_server.weights import MODEL_DATA_ID, find_weights

# SmolLM2's: vLLM takes the model's own when none is given.
DEFAULT_MAX_MODEL_LEN = 8192


def furnish(environment: Mapping[str, str]) -> Room:
    """Load what the environment names; raises SettingsError."""
    model_data = Path(environment.get("SM_MODEL_DIR", MODEL_DATA_ID))
    flags = parse(arguments(environment, model_data))
    weights = find_weights("the model of vLLM", flags.model.rstrip("/"), model_data)
    max_model_len = flags.max_model_len or DEFAULT_MAX_MODEL_LEN
    start = partial(
        Llama,
        max_total_tokens=max_model_len,
        max_slots=flags.max_num_seqs or MAX_SLOTS,
        chat_template=_chat_template(flags.chat_template),
    )
    adapters = Adapters(weights, model_data, flags, start)
    generator = Generator(adapters, flags, max_model_len)
    app = App(generator, flags, adapters if may_change(environment) else None)
    loaded = f"vLLM {VERSION} serves {flags.model}, up to {max_model_len} tokens in all"
    return Room(app.asgi(), loaded)


def _chat_template(given: str | None) -> str:
    """Return a template that is given as a file or as text; raises SettingsError."""
    if given is None or any(mark in given for mark in "{}\n"):
        return given or ""
    try:
        return Path(given).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"the supplied chat template ({given}) looks like a file path, but it failed to open: "
            f"{error}"
        ) from error
