"""What vLLM and llama.cpp have in common: OpenAI's fields, usage, errors and `[DONE]`."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import msgspec

from invoke_proxy.generation import Chunk, End, Generation
from invoke_proxy.http.errors import EndpointError
from invoke_proxy.http.model_status import code_of_status
from invoke_proxy.http.unreadable import GARBAGE, UNREADABLE


def fields(generation: Generation) -> dict[str, Any]:
    """Return what both are asked for in the same words; temperature 0 is greedy."""
    samples = generation.samples
    asked: dict[str, Any] = {
        "max_tokens": generation.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": generation.temperature or 1.0 if samples else 0.0,
        "top_p": generation.top_p or 1.0 if samples else 1.0,
        "top_k": generation.top_k or 0 if samples else 0,
        "min_p": 0.0,
        "presence_penalty": generation.presence_penalty or 0.0,
        "frequency_penalty": generation.frequency_penalty or 0.0,
    }
    if generation.logit_bias:
        asked["logit_bias"] = generation.logit_bias
    if generation.response_format:
        asked["response_format"] = generation.response_format
    return asked


class Usage(msgspec.Struct):
    """What the server has counted."""

    prompt_tokens: int
    completion_tokens: int


class Failure(msgspec.Struct):
    """What a server sends when it fails; its text is not passed on."""

    code: int | str | None = None


class Event(msgspec.Struct):
    """One event: the choices that a server adds to it, the usage, or an error."""

    usage: Usage | None = None
    error: Failure | None = None


class HeldEndReader(ABC):
    """Decodes an answer's events; holds its end back until the usage has arrived."""

    server: ClassVar[str]
    decoder: ClassVar[msgspec.json.Decoder[Any]]

    def __init__(self) -> None:
        self.last: Chunk | None = None

    @abstractmethod
    def take(self, event: Any) -> Chunk | None:  # noqa: ANN401 - the server's own event
        """Return what an event's choice adds; hold back the one that ends the answer."""

    def read(self, payload: bytes) -> Chunk | None:
        """Return what an event adds, or the end with the usage."""
        try:
            event = self.decoder.decode(payload)
        except UNREADABLE:
            if payload.strip() == b"[DONE]":
                return self.rest()
            raise EndpointError("model_error", GARBAGE) from None
        if event.choices:
            return self.take(event)
        if event.error:
            raise self._fault(event.error)
        if event.usage and self.last and self.last.end:
            self.end(self.last, self.last.end, event.usage)
            return self.rest()
        raise EndpointError("model_error", GARBAGE)

    def end(self, last: Chunk, end: End, usage: Usage) -> None:
        """Note the usage at the answer's end."""
        del last
        end.prompt_tokens = usage.prompt_tokens
        end.completion_tokens = usage.completion_tokens

    def rest(self) -> Chunk | None:
        """Return the end, if it has not been returned."""
        last, self.last = self.last, None
        return last

    def _fault(self, failure: Failure) -> EndpointError:
        status = failure.code if isinstance(failure.code, int) else None
        return EndpointError(code_of_status(status), f"{self.server} {status}")
