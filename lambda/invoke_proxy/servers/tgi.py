"""TGI 1.1: its own body, and an event per token."""

from collections.abc import Collection
from typing import Literal

import msgspec
from msgspec import UNSET

from invoke_proxy.generation import Chunk, End, EndReason, Generation, Token
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.unreadable import GARBAGE, UNREADABLE
from invoke_proxy.servers.server import Capabilities
from invoke_proxy.tgi_types import GenerateParameters, GenerateRequest, StreamDetails, StreamEvent

_CODES = {
    "generation": "model_error",
    "incomplete_generation": "model_error",
    "overloaded": "model_overloaded",
    "validation": "model_refused",
}
_REASONS: dict[Literal["length", "eos_token", "stop_sequence"], EndReason] = {
    "length": "length",
    "eos_token": "end_token",
    "stop_sequence": "stop_sequence",
}


class _Failure(msgspec.Struct):
    """What TGI sends instead of a token when it fails; its text is not passed on."""

    error: str
    error_type: str | None = None


_event = msgspec.json.Decoder(StreamEvent)
_failure = msgspec.json.Decoder(_Failure)


class Tgi:
    """Hugging Face's Text Generation Inference, version 1.1."""

    title = "TGI 1.1"
    fingerprint = "tgi-1.1"
    capabilities = Capabilities(
        without_openai=frozenset(
            {"frequency_penalty", "logit_bias", "presence_penalty", "response_format"}
        ),
        max_stop_sequences=4,
        max_top_logprobs=5,
    )

    def body(self, generation: Generation) -> bytes:
        """Return TGI's request: always with details, and no default left to the server."""
        parameters = GenerateParameters(
            details=True,
            do_sample=generation.samples or None,
            max_new_tokens=generation.max_tokens,
            repetition_penalty=generation.repetition_penalty,
            return_full_text=False,
            seed=generation.seed,
            stop=list(generation.stop) or None,
            top_n_tokens=generation.top_tokens or None,
            truncate=generation.truncate,
            watermark=generation.watermark or None,
        )
        if generation.samples:
            parameters.temperature = generation.temperature
            parameters.top_k = generation.top_k
            parameters.top_p = generation.top_p
            parameters.typical_p = generation.typical_p
        request = GenerateRequest(inputs=generation.prompt, parameters=parameters, stream=True)
        return msgspec.json.encode(request)

    def reader(self, generation: Generation, special_tokens: Collection[str]) -> "TgiReader":
        """Return a decoder for one answer."""
        del special_tokens  # TGI says of each token whether it is special.
        return TgiReader(shows_tokens=generation.top_tokens is not None)


class TgiReader:
    """Decodes TGI's events, each of which is a token; TGI's last word is how many there were."""

    def __init__(self, *, shows_tokens: bool) -> None:
        self._shows_tokens = shows_tokens
        self._counted = 0

    def read(self, payload: bytes) -> Chunk:
        """Return the token of an event."""
        try:
            event = _event.decode(payload)
        except UNREADABLE:
            raise _fault(payload) from None
        sent = event.token
        chunk = Chunk("" if sent.special else sent.text)
        if self._shows_tokens:
            chunk.tokens = (_token(event),)
        if event.generated_text is not None:
            chunk.end = self._end(event, event.details, chunk)
        self._counted += 1
        return chunk

    def rest(self) -> None:
        """Return nothing: a stream without its last event is interrupted."""

    def _end(self, event: StreamEvent, details: StreamDetails | None, last: Chunk) -> End:
        if details is None:
            raise EndpointError("model_error", "an end without details")
        last.count = max(details.generated_tokens - self._counted, 0)
        return End(
            _REASONS[details.finish_reason],
            at_end_token=event.token.special,
            text=event.generated_text,
            seed=details.seed,
        )


def _token(event: StreamEvent) -> Token:
    sent = event.token
    token = Token(sent.id, sent.text, sent.logprob, sent.special)
    if event.top_tokens is not UNSET:
        token.alternatives = [
            Token(top.id, top.text, top.logprob, top.special) for top in event.top_tokens
        ]
    return token


def _fault(payload: bytes) -> EndpointError:
    try:
        failure = _failure.decode(payload)
    except UNREADABLE:
        return EndpointError("model_error", GARBAGE)
    if failure.error_type in _CODES:
        return EndpointError(_CODES[failure.error_type], upstream=f"tgi {failure.error_type}")
    return EndpointError("model_error", upstream="tgi")
