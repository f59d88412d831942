"""The model behind the endpoint: its context window, and its generations."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from copy import copy
from typing import Self

from starlette.requests import Request

from invoke_proxy.generation import Generation
from invoke_proxy.http.bodies import NEUTRAL, Unsupported
from invoke_proxy.http.errors import RequestError
from invoke_proxy.http.logs import Record
from invoke_proxy.http.usage import UsageCheck
from invoke_proxy.sagemaker.runtime import Runtime
from invoke_proxy.servers import speaking
from invoke_proxy.servers.events import Answer, Item, Take, items
from invoke_proxy.settings import Settings
from invoke_proxy.tokens import Tokenizer

# Hugging Face's clients use these names for the model of a server that has only one.
_PLACEHOLDER_NAMES = ("tgi", "dummy")

# Counting longer texts takes milliseconds, and must not delay other streams.
_LONG_TEXT = 20_000


def unknown_model(served: Sequence[str]) -> RequestError:
    """Return the refusal of a model that is not served."""
    models = "model" if len(served) == 1 else "models"
    problem = f"this API serves the {models} {', '.join(served)}"
    return RequestError("model_not_found", problem, "model")


class Model:
    """Counts tokens, checks limits and generates; only it uses the tokenizer and the runtime.

    An endpoint's adapters are models too, with its base's tokenizer, limits and server.
    """

    def __init__(self, settings: Settings, tokenizer: Tokenizer, runtime: Runtime) -> None:
        self.settings = settings
        self.server = speaking(settings.server, settings.other_server)
        self._tokenizer = tokenizer
        self._special_tokens = frozenset(tokenizer.special_tokens)
        self._runtime = runtime
        self._components = settings.components
        self.name = settings.model_id

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return the model that the application serves: of an endpoint with adapters, the base."""
        model: Self = request.app.state.model
        return model

    def named(self, name: str | None, record: Record) -> Self:
        """Return the model that a request names, and refuse one that is not served."""
        if name is None or name in (self.name, *self.settings.aliases, *_PLACEHOLDER_NAMES):
            return self
        if name not in self.settings.models:
            raise unknown_model(self.settings.models)
        chosen = copy(self)
        chosen.name = record.model_id = name
        return chosen

    @property
    def unsupported(self) -> Unsupported:
        """What the server refuses of OpenAI's parameters."""
        return Unsupported(self.server.title, self.server.capabilities.without_openai, NEUTRAL)

    @property
    def special_tokens(self) -> Sequence[str]:
        """The texts that the tokenizer reads as single tokens wherever they occur."""
        return self._tokenizer.special_tokens

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens, whose ids are below it."""
        return self._tokenizer.vocabulary_size

    async def count(self, text: str) -> int:
        """Return the number of tokens as every server counts them."""
        if len(text) < _LONG_TEXT:
            return self._tokenizer.count(text)
        return await asyncio.to_thread(self._tokenizer.count, text)

    def fit(self, prompt_tokens: int, wanted: int | None, param: str) -> int:
        """Return how many tokens to generate: those wanted, or all that the window has left."""
        # Clients know this error by its words: LiteLLM, LangChain and others look for both halves.
        max_input, window = self.settings.max_input_length, self.settings.max_total_tokens
        if prompt_tokens > max_input:
            problem = (
                f"the prompt is too long: this model's maximum context length is {window} tokens,"
                f" of which the prompt may take {max_input}, got {prompt_tokens}"
            )
            raise RequestError("context_length_exceeded", problem, param)
        total = prompt_tokens + (wanted or 0)
        if total > window:
            problem = (
                "the prompt is too long: "
                f"this model's maximum context length is {window} tokens, got {total} "
                f"({prompt_tokens} in the prompt, {wanted} for the answer)"
            )
            raise RequestError("context_length_exceeded", problem, param)
        return wanted or window - prompt_tokens

    def check_stops(self, count: int, param: str) -> None:
        """Refuse more stop sequences than the server takes."""
        most = self.server.capabilities.max_stop_sequences
        if count > most:
            problem = f"`stop` takes at most {most} sequences on {self.server.title}, got {count}"
            raise RequestError("invalid_request", problem, param)

    def generate(
        self, generation: Generation, record: Record, take: Take[Item]
    ) -> AsyncGenerator[list[Item]]:
        """Return what `take` makes of one generation; the record counts tokens as they arrive."""
        reader = self.server.reader(generation, self._special_tokens)
        parts = self._runtime.invoke(self.server.body(generation), self._component)
        observe = UsageCheck(record, generation.prompt_tokens)
        return items(parts, Answer(reader, observe, take))

    def renew(self) -> None:
        """Begin anew at the endpoint, with neither connections nor credentials of before."""
        self._runtime.renew()

    @property
    def _component(self) -> str | None:
        return self._components.get(self.name)

    async def invoke_whole(self, body: bytes) -> bytes:
        """Return what the endpoint answers to a body that asks for no stream."""
        async with aclosing(self._runtime.invoke(body, self._component)) as parts:
            return b"".join([part async for part in parts])
