"""vLLM: OpenAI's completion body, with vLLM's own fields, and events of one or more tokens."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from invoke_proxy.generation import Chunk, End, EndReason, Generation, Token
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.openai_wire import Event, HeldEndReader, fields
from invoke_proxy.servers.server import Capabilities, spread

_SEEDS = 2**63
_UNKNOWN_ID = -1  # vLLM sends the alternatives' texts only; no route shows their ids.


class _Logprobs(msgspec.Struct):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]


class _Choice(msgspec.Struct):
    text: str
    token_ids: list[int] | None = None
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


class _Event(Event):
    choices: Sequence[_Choice] = ()


class Vllm:
    """vLLM, whose `/invocations` completes a body with `prompt`."""

    title = "vLLM"
    fingerprint = "vllm"
    capabilities = Capabilities(
        # It has neither locally typical sampling nor watermarks as TGI's; a stream has no
        # `best_of` and no tokens of the prompt; alternatives come without their ids.
        without_tgi=frozenset(
            {"best_of", "decoder_input_details", "top_n_tokens", "typical_p", "watermark"}
        ),
        max_stop_sequences=16,
        max_top_logprobs=20,
        max_temperature=2.0,
    )

    def body(self, generation: Generation) -> bytes:
        """Return a completion request; explicit, so that no model's own defaults apply."""
        return msgspec.json.encode(
            {
                "prompt": generation.prompt,
                "return_token_ids": True,
                "repetition_penalty": generation.repetition_penalty or 1.0,
                **fields(generation),
                **_asked(generation),
            }
        )

    def reader(self, generation: Generation, special_tokens: Collection[str]) -> "VllmReader":
        """Return a decoder for one answer."""
        del generation
        return VllmReader(special_tokens)


class VllmReader(HeldEndReader):
    """Decodes an answer's events."""

    server = "vllm"
    decoder = msgspec.json.Decoder(_Event)

    def __init__(self, special_tokens: Collection[str]) -> None:
        super().__init__()
        self._special = special_tokens

    def take(self, event: _Event) -> Chunk | None:
        """Return the tokens of an event: several, where the proxy could not read as fast."""
        choice = event.choices[0]
        count = 1 if choice.token_ids is None else len(choice.token_ids)
        chunk = Chunk(choice.text, count)
        if choice.logprobs:
            chunk.tokens = self._tokens(choice, choice.logprobs)
        if choice.finish_reason is None:
            return chunk
        chunk.end = End(_reason(choice))
        self.last = chunk
        return None

    def _tokens(self, choice: _Choice, scored: _Logprobs) -> list[Token]:
        ids = choice.token_ids or [_UNKNOWN_ID] * len(scored.tokens)
        tokens = [
            Token(id_, text, logprob, text in self._special, _alternatives(top or {}))
            for id_, text, logprob, top in zip(
                ids, scored.tokens, scored.token_logprobs, scored.top_logprobs, strict=False
            )
        ]
        spread(choice.text, tokens)
        return tokens


def _asked(generation: Generation) -> dict[str, Any]:
    """Return what is sent only where it is asked for."""
    asked: dict[str, Any] = {}
    if generation.seed is not None:
        asked["seed"] = generation.seed % _SEEDS
    if generation.stop:
        # Without its stop sequence an answer would lag behind by its length.
        asked |= {"stop": generation.stop, "include_stop_str_in_output": True}
    if generation.top_tokens is not None:
        asked["logprobs"] = generation.top_tokens
    if generation.truncate:
        asked |= {"truncate_prompt_tokens": generation.truncate, "truncation_side": "left"}
    return asked


def _alternatives(top: dict[str, float]) -> list[Token]:
    """Return them by their probability: vLLM adds the generated token to them."""
    ranked = sorted(top.items(), key=lambda each: -each[1])
    return [Token(_UNKNOWN_ID, text, logprob) for text, logprob in ranked]


def _reason(choice: _Choice) -> EndReason:
    match choice.finish_reason:
        case "length":
            return "length"
        case "stop":
            return "stop_sequence" if isinstance(choice.stop_reason, str) else "end_token"
        case "abort":
            raise EndpointError("stream_interrupted", "vllm abort")
        case _:
            raise EndpointError("model_error", "vllm finish_reason")
