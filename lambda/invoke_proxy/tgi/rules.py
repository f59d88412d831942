"""TGI 1.1's rules for parameters beyond their types, and its defaults."""

import msgspec

from invoke_proxy.http.errors import RequestError
from invoke_proxy.settings import Settings
from invoke_proxy.tgi.types import DEFAULT_MAX_NEW_TOKENS, GenerateParameters

_SEEDS = 2**64


def check(parameters: GenerateParameters, settings: Settings, *, stream: bool) -> None:
    """Refuse combinations that TGI would refuse, before they cost an invocation."""
    several = (parameters.best_of or 1) > 1
    max_truncate = settings.max_input_length
    if several and not parameters.samples:
        raise _refused("best_of", "you must use sampling when `best_of` is > 1")
    if several and parameters.seed is not None:
        raise _refused("seed", "`seed` must not be set when `best_of` > 1")
    if several and stream:
        raise _refused("best_of", "`best_of` != 1 is not supported when streaming tokens")
    if parameters.decoder_input_details and stream:
        problem = "`decoder_input_details` == true is not supported when streaming tokens"
        raise _refused("decoder_input_details", problem)
    if (parameters.truncate or 0) > max_truncate:
        problem = f"`truncate` must be at most {max_truncate}, got {parameters.truncate}"
        raise _refused("truncate", problem)
    if (parameters.seed or 0) >= _SEEDS:
        raise _refused("seed", f"`seed` must be below {_SEEDS}, got {parameters.seed}")


def upstream_parameters(asked: GenerateParameters) -> GenerateParameters:
    """Return the parameters to send: always with details, and no default left to the server."""
    return msgspec.structs.replace(
        asked,
        details=True,
        max_new_tokens=asked.max_new_tokens or DEFAULT_MAX_NEW_TOKENS,
        return_full_text=bool(asked.return_full_text),
    )


def _refused(name: str, problem: str) -> RequestError:
    return RequestError("invalid_request", problem, param=f"parameters.{name}")
