"""vLLM's checks of how to sample, in vLLM's words, and the same for llama.cpp."""

import json
import math
from collections.abc import Mapping
from typing import Any

from embedded_aws.model_server.llama import CHARACTER_TOKENS
from embedded_aws.model_server.vllm.bodies import CompletionRequest, Sampled
from embedded_aws.model_server.vllm.errors import VllmError

_GREEDY_BELOW = 1e-5
_SEEDS = 2**32 - 1  # llama.cpp takes the highest 32-bit number as a random one
_RANDOM_SEED = -1  # vLLM's word for none


def stops(body: Sampled) -> list[str]:
    """Return the texts that end an answer."""
    return [body.stop] if isinstance(body.stop, str) else body.stop or []


def temperature(body: Sampled) -> float:
    """Return the temperature: 1 by default."""
    return 1.0 if body.temperature is None else body.temperature


def check(body: Sampled, max_tokens: int | None, logprobs: int, max_logprobs: int) -> None:
    """Refuse what vLLM refuses, and what this server has not; raises VllmError."""
    heat, top_p, top_k = temperature(body), body.top_p, body.top_k
    presence, frequency = body.presence_penalty or 0, body.frequency_penalty or 0
    repetition, min_p = body.repetition_penalty, body.min_p
    n = 1 if body.n is None else body.n
    _refuse_first(
        {
            (f"n must be at least 1, got {n}.", None): n < 1,
            (f"presence_penalty must be in [-2, 2], got {presence}.", None): abs(presence) > 2,  # noqa: PLR2004 - vLLM's limit, told beside it
            (f"frequency_penalty must be in [-2, 2], got {frequency}.", None): abs(frequency) > 2,  # noqa: PLR2004 - likewise
            (f"repetition_penalty must be greater than zero, got {repetition}.", None): (
                repetition is not None and repetition <= 0
            ),
            (f"temperature must be a finite number, got {heat}.", "temperature"): (
                not math.isfinite(heat)
            ),
            (f"temperature must be non-negative, got {heat}.", "temperature"): heat < 0,
            (f"temperature must be in [0, 2], got {heat}.", "temperature"): heat > 2,  # noqa: PLR2004 - likewise
            (f"top_p must be in (0, 1], got {top_p}.", "top_p"): (
                top_p is not None and not 0 < top_p <= 1
            ),
            (f"top_k must be 0 (disable), or at least 1, got {top_k}.", None): (
                top_k is not None and top_k < -1
            ),
            (f"min_p must be in [0, 1], got {min_p}.", None): (
                min_p is not None and not 0 <= min_p <= 1
            ),
            (f"max_tokens must be at least 1, got {max_tokens}.", "max_tokens"): (
                max_tokens is not None and max_tokens < 1
            ),
            ("stop cannot contain an empty string.", None): "" in stops(body),
            (f"n must be 1 when using greedy sampling, got {n}.", None): (
                n > 1 and heat < _GREEDY_BELOW
            ),
            (
                f"Requested sample logprobs of {logprobs}, which is greater than max allowed: "
                f"{max_logprobs}",
                "logprobs",
            ): logprobs > max_logprobs >= 0,
        }
    )
    _check_emulated(body)


def _check_emulated(body: Sampled) -> None:
    outputs = body.structured_outputs
    used = {
        "use_beam_search": body.use_beam_search,
        "allowed_token_ids": body.allowed_token_ids,
        "bad_words": body.bad_words,
        "prompt_logprobs": body.prompt_logprobs is not None,
        "min_tokens": body.min_tokens,
        "echo": isinstance(body, CompletionRequest) and body.echo,
        "structured_outputs.regex": outputs and outputs.regex,
        "structured_outputs.structural_tag": outputs and outputs.structural_tag,
    }
    _refuse_first(
        {
            (
                f"`{name}` is not supported by this server, which is llama.cpp in vLLM's place",
                name,
            ): (bool(value))
            for name, value in used.items()
        }
    )


def options(body: Sampled, max_tokens: int, prompt_tokens: int, logprobs: int) -> dict[str, object]:
    """Return the same for llama.cpp's own completion."""
    is_greedy = temperature(body) < _GREEDY_BELOW
    return {
        # values read from the cache differ in their last bits: what must repeat does without
        "cache_prompt": not is_greedy and not seed_of(body, 0),
        "n_predict": max_tokens + CHARACTER_TOKENS,
        "n_probs": max(1, logprobs),
        "samplers": ["penalties", "temperature", "min_p", "top_k", "top_p"],
        "temperature": 0.0 if is_greedy else temperature(body),
        "top_k": max(0, body.top_k or 0),
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "min_p": body.min_p or 0.0,
        "repeat_penalty": body.repetition_penalty or 1.0,
        # Unlike vLLM's, llama.cpp's presence and frequency count the prompt too.
        "presence_penalty": body.presence_penalty or 0.0,
        "frequency_penalty": body.frequency_penalty or 0.0,
        "repeat_last_n": prompt_tokens + max_tokens,
        "logit_bias": _biases(body.logit_bias or {}),
        "ignore_eos": body.ignore_eos,
        **form(body),
    }


def seed_of(body: Sampled, copy: int) -> dict[str, int]:
    """Return the seed of one of the sequences of a prompt, for llama.cpp."""
    if body.seed is None or body.seed == _RANDOM_SEED:
        return {}
    return {"seed": (body.seed + copy) % _SEEDS}


def check_biases(biases: Mapping[str, float], vocabulary_size: int) -> None:
    """Refuse biases of what is no token; raises VllmError."""
    if wrong := [token for token in biases if not _is_integer(token)]:
        raise VllmError(
            f"logit_bias contains key(s) that cannot be converted to integer token IDs: {wrong!r}",
            "logit_bias",
        )
    if beyond := [id_ for id_ in map(int, biases) if not 0 <= id_ < vocabulary_size]:
        raise VllmError(
            f"token_id(s) {beyond} in logit_bias contain out-of-vocab token ids. "
            f"Vocabulary size: {vocabulary_size}",
            "logit_bias",
        )


def _biases(biases: Mapping[str, float]) -> list[list[float]]:
    return [[int(token), min(100.0, max(-100.0, bias))] for token, bias in biases.items()]


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def form(body: Sampled) -> dict[str, Any]:
    """Return the form that an answer must have, for llama.cpp."""
    asked, own = body.response_format, body.structured_outputs
    if asked and asked.type == "json_schema" and asked.json_schema:
        return {"json_schema": asked.json_schema.schema or {}}
    if (asked and asked.type == "json_object") or (own and own.json_object):
        return {"json_schema": {"type": "object"}}
    if own and own.json is not None:
        return {"json_schema": _schema(own.json)}
    if own and own.choice:
        return {"grammar": f"root ::= {' | '.join(json.dumps(each) for each in own.choice)}"}
    return {"grammar": own.grammar} if own and own.grammar else {}


def refusal_of(refused: Mapping[str, object], reason: str) -> str:
    """Return vLLM's words for a form that no grammar can be made of."""
    if "json_schema" in refused:
        return f"Failed to transform json schema into a grammar: {reason}"
    return "Invalid grammar specification."


def _schema(given: str | dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError) as error:
        raise VllmError("Invalid JSON grammar specification.") from error


def _refuse_first(faults: Mapping[tuple[str, str | None], bool]) -> None:
    for (reason, param), found in faults.items():
        if found:
            raise VllmError(reason, param)
