"""llama.cpp's server: a chat of one message, which its template passes on as it is.

Its route for SageMaker is the chat route, so the finished prompt is the one user's message.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from invoke_proxy.generation import Chunk, End, EndReason, Generation, Token
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.servers.llama_cpp_schemas import skipped
from invoke_proxy.servers.openai_wire import Event, HeldEndReader, Usage, fields
from invoke_proxy.servers.server import Capabilities, spread

_SEEDS = 2**32 - 1  # The highest 32-bit number asks for a random seed.


class _Top(msgspec.Struct):
    id: int
    token: str
    logprob: float


class _Scored(_Top):
    top_logprobs: Sequence[_Top] = ()


class _Logprobs(msgspec.Struct):
    content: list[_Scored] | None = None


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Timings(msgspec.Struct):
    predicted_n: int | None = None


class _Event(Event):
    choices: Sequence[_Choice] = ()
    timings: _Timings | None = None


class LlamaCpp:
    """llama-server, whose `/invocations` is its chat route."""

    title = "llama.cpp"
    fingerprint = "llama.cpp"
    capabilities = Capabilities(
        without_tgi=frozenset({"best_of", "decoder_input_details", "truncate", "watermark"}),
        max_stop_sequences=16,
        max_top_logprobs=20,
        skipped_of_schema=skipped,
        shows_ends=False,
    )

    def body(self, generation: Generation) -> bytes:
        """Return a chat request; explicit, so that no default of the server or the file applies."""
        return msgspec.json.encode(
            {
                "messages": [{"role": "user", "content": generation.prompt}],
                "timings_per_token": True,  # With the number of tokens so far.
                "reasoning_format": "none",
                **fields(generation),
                **_sampling(generation),
                **_asked(generation),
            }
        )

    def reader(self, generation: Generation, special_tokens: Collection[str]) -> "LlamaCppReader":
        """Return a decoder for one answer."""
        del generation, special_tokens  # The server never sends special tokens.
        return LlamaCppReader()


class LlamaCppReader(HeldEndReader):
    """Decodes an answer's events.

    The server sends nothing for a token without text: the end token, or a part of a character or
    of a stop sequence. So tokens are counted by its running number, and at last by its usage.
    """

    server = "llama.cpp"
    decoder = msgspec.json.Decoder(_Event)

    def __init__(self) -> None:
        super().__init__()
        self._counted = 0

    def take(self, event: _Event) -> Chunk | None:
        """Return the text of an event, unless it has none."""
        choice = event.choices[0]
        text = choice.delta.content or ""
        if choice.finish_reason is not None:
            end = End(_reason(choice.finish_reason))
            # The end token, if no usage follows.
            self.last = Chunk(text, int(end.reason == "end_token"), end=end)
            return None
        running = event.timings.predicted_n if event.timings else None
        count = int(bool(text)) if running is None else max(running - self._counted, 0)
        if not text and not count:
            return None  # The role, which comes first.
        self._counted += count
        chunk = Chunk(text, count)
        if choice.logprobs and choice.logprobs.content:
            chunk.tokens = [_token(each) for each in choice.logprobs.content]
            spread(text, chunk.tokens)
        return chunk

    def end(self, last: Chunk, end: End, usage: Usage) -> None:
        """Count the tokens without text that came last."""
        super().end(last, end, usage)
        last.count = max(usage.completion_tokens - self._counted, 0)


def _token(scored: _Scored) -> Token:
    top = [Token(each.id, each.token, each.logprob) for each in scored.top_logprobs]
    return Token(scored.id, scored.token, scored.logprob, alternatives=top)


def _sampling(generation: Generation) -> dict[str, Any]:
    """Return the values that change the choice of tokens, by its own names for them."""
    return {
        # TGI's order, and vLLM's: by default the temperature would come last.
        "samplers": ("penalties", "temperature", "top_k", "top_p", "typ_p"),
        "typical_p": generation.typical_p or 1.0 if generation.samples else 1.0,
        "repeat_penalty": generation.repetition_penalty or 1.0,
        # The penalties look at all of the prompt and the answer, as TGI's does.
        "repeat_last_n": generation.prompt_tokens + generation.max_tokens,
    }


def _asked(generation: Generation) -> dict[str, Any]:
    """Return what is sent only where it is asked for."""
    asked: dict[str, Any] = {}
    if generation.seed is not None:
        # What is read from the cache of prompts differs in its last bits, so nothing would repeat.
        asked |= {"seed": generation.seed % _SEEDS, "cache_prompt": False}
    # The proxy cuts an answer that keeps the sequence, which the server drops; and one with log
    # probabilities, of which the server keeps only the last for all that it holds back meanwhile.
    if generation.stop and not generation.keeps_stop and generation.top_tokens is None:
        asked["stop"] = generation.stop
    if generation.top_tokens is not None:
        # With 0 alternatives the server sends no log probabilities at all.
        asked |= {"logprobs": True, "top_logprobs": generation.top_tokens or 1}
    return asked


def _reason(finish_reason: str) -> EndReason:
    match finish_reason:
        case "length":
            return "length"
        case "stop":
            return "end_token"
        case _:
            raise EndpointError("model_error", "llama.cpp finish_reason")
