"""OpenAI's sampling parameters as TGI 1.1's."""

from invoke_proxy.http.errors import RequestError
from invoke_proxy.openai.requests import SamplingRequest
from invoke_proxy.tgi.model import Model
from invoke_proxy.tgi.types import GenerateParameters

# TGI computes in single precision: values closer to 0 and 1 would become 0 and 1, which it refuses.
_NEARLY_NOTHING = 1e-6
_NEARLY_ALL = 1 - 1e-6
_SEEDS = 2**63


def check_choices(model: Model, request: SamplingRequest, prompts: int = 1) -> None:
    """Refuse more sequences than a request may have, or than the server ever admits at once."""
    choices, most = request.n or 1, model.settings.max_choices
    if prompts * choices > most:
        raise RequestError(
            "invalid_request",
            f"the number of prompts times `n` must be at most {most}, "
            f"got {prompts} times {choices}: send more prompts in further requests",
            param="n" if prompts <= most else "prompt",
        )


def stops(request: SamplingRequest) -> list[str]:
    """Return the stop sequences as a list."""
    return [request.stop] if isinstance(request.stop, str) else request.stop or []


def tgi_parameters(
    request: SamplingRequest, choice: int, max_new_tokens: int, top_n_tokens: int
) -> GenerateParameters:
    """Return TGI's parameters for one of the `n` choices; each choice has its own seed."""
    parameters = GenerateParameters(
        details=True,
        return_full_text=False,
        max_new_tokens=max_new_tokens,
        stop=stops(request) or None,
        top_n_tokens=top_n_tokens or None,
        seed=None if request.seed is None else (request.seed + choice) % _SEEDS,
    )
    temperature = 1.0 if request.temperature is None else request.temperature
    top_p = 1.0 if request.top_p is None else request.top_p
    if temperature > _NEARLY_NOTHING and top_p > _NEARLY_NOTHING:
        parameters.do_sample = True
        parameters.temperature = temperature
        parameters.top_p = top_p if top_p < _NEARLY_ALL else None
    return parameters


def include_usage(request: SamplingRequest) -> bool:
    """Return whether a stream ends with the usage; refuse the option outside a stream."""
    if request.stream_options is None:
        return False
    if not request.stream:
        raise RequestError(
            "invalid_request", "`stream_options` requires `stream`", param="stream_options"
        )
    return bool(request.stream_options.include_usage)
