"""OpenAI's sampling parameters as a server-neutral generation."""

from collections.abc import Iterator

import msgspec

from invoke_proxy.generation import Generation
from invoke_proxy.http.errors import RequestError
from invoke_proxy.model import Model
from invoke_proxy.openai.requests import JsonSchemaFormat, SamplingRequest
from invoke_proxy.servers.server import Server

# TGI computes in single precision: values closer to 0 and 1 would become 0 and 1, which it refuses.
_NEARLY_NOTHING = 1e-6
_NEARLY_ALL = 1 - 1e-6
_SEEDS = 2**63


def check(model: Model, request: SamplingRequest, prompts: int = 1) -> None:
    """Refuse more sequences than a request may have, or than the server ever admits at once.

    Refuse also more stop sequences than the server takes, tokens that the model does not have, and
    what the server would skip of a schema.
    """
    n, most = request.n or 1, model.settings.max_choices
    if prompts * n > most:
        raise RequestError(
            "invalid_request",
            f"the number of prompts times `n` must be at most {most}, "
            f"got {prompts} times {n}: send more prompts in further requests",
            param="n" if prompts <= most else "prompt",
        )
    model.check_stops(len(stops(request)), "stop")
    _check_schema(model.server, request)
    highest, size = max(map(int, request.logit_bias or ()), default=0), model.vocabulary_size
    if highest >= size:
        problem = f"`logit_bias` takes ids of the model's {size} tokens, got {highest}"
        raise RequestError("invalid_request", problem, param="logit_bias")


def _check_schema(server: Server, request: SamplingRequest) -> None:
    asked, skipped = request.response_format, server.capabilities.skipped_of_schema
    if skipped is None or not isinstance(asked, JsonSchemaFormat):
        return
    if found := skipped(asked.json_schema.schema):
        problem = f"{server.title} would not keep {found} in the schema: leave it out, or change it"
        raise RequestError("invalid_request", problem, param="response_format")


def stops(request: SamplingRequest) -> list[str]:
    """Return the stop sequences as a list."""
    return [request.stop] if isinstance(request.stop, str) else request.stop or []


def generation(
    request: SamplingRequest,
    prompt: str,
    prompt_tokens: int,
    max_tokens: int,
    top_tokens: int | None,
) -> Generation:
    """Return the generation of one prompt."""
    temperature = 1.0 if request.temperature is None else request.temperature
    top_p = 1.0 if request.top_p is None else request.top_p
    response_format = request.response_format
    return Generation(
        prompt=prompt,
        prompt_tokens=prompt_tokens,
        max_tokens=max_tokens,
        samples=temperature > _NEARLY_NOTHING and top_p > _NEARLY_NOTHING,
        temperature=temperature,
        top_p=top_p if top_p < _NEARLY_ALL else None,
        seed=request.seed,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        # llama.cpp takes a key that is not plainly a number for a text.
        logit_bias={str(int(id_)): bias for id_, bias in dict(request.logit_bias or ()).items()},
        response_format=msgspec.to_builtins(response_format) if response_format else None,
        stop=stops(request),
        top_tokens=top_tokens,
    )


def choices(asked: Generation, n: int) -> Iterator[Generation]:
    """Yield the generation of each of the `n` choices, each with a seed of its own."""
    for choice in range(n):
        seed = None if asked.seed is None else (asked.seed + choice) % _SEEDS
        yield msgspec.structs.replace(asked, seed=seed)


def include_usage(request: SamplingRequest) -> bool:
    """Return whether a stream ends with the usage; refuse the option outside a stream."""
    if request.stream_options is None:
        return False
    if not request.stream:
        raise RequestError(
            "invalid_request", "`stream_options` requires `stream`", param="stream_options"
        )
    return bool(request.stream_options.include_usage)
