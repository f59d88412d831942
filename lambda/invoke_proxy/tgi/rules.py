"""TGI 1.1's rules for parameters beyond their types, and its defaults."""

from invoke_proxy.generation import Generation
from invoke_proxy.http.errors import RequestError
from invoke_proxy.model import Model
from invoke_proxy.tgi_types import DEFAULT_MAX_NEW_TOKENS, GenerateParameters

_SEEDS = 2**64


def check(parameters: GenerateParameters, model: Model, *, stream: bool) -> None:
    """Refuse what TGI or the server would refuse, before it costs an invocation."""
    several = (parameters.best_of or 1) > 1
    max_truncate = model.settings.max_input_length
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
    hottest = model.server.capabilities.max_temperature
    if hottest is not None and (parameters.temperature or 0) > hottest:
        problem = (
            f"`temperature` must be at most {hottest} on {model.server.title}, "
            f"got {parameters.temperature}"
        )
        raise _refused("temperature", problem)
    model.check_stops(len(parameters.stop or ()), "parameters.stop")


def generation(inputs: str, prompt_tokens: int, asked: GenerateParameters) -> Generation:
    """Return the generation that TGI's parameters ask for; TGI's answers keep a stop sequence."""
    return Generation(
        prompt=inputs,
        prompt_tokens=prompt_tokens,
        max_tokens=asked.max_new_tokens or DEFAULT_MAX_NEW_TOKENS,
        samples=asked.samples,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        typical_p=asked.typical_p,
        seed=asked.seed,
        repetition_penalty=asked.repetition_penalty,
        stop=asked.stop or (),
        keeps_stop=True,
        top_tokens=asked.top_n_tokens or 0,
        truncate=asked.truncate,
        watermark=bool(asked.watermark),
    )


def _refused(name: str, problem: str) -> RequestError:
    return RequestError("invalid_request", problem, param=f"parameters.{name}")
