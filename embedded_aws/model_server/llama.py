"""Tokens, and text generated from them, by llama.cpp."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager

import httpx
import msgspec

from embedded_aws.model_server.engine import Engine, parameters
from embedded_aws.model_server.errors import EngineError
from embedded_aws.model_server.weights import Weights

# On one thread, throughput grows up to about four generations at a time.
MAX_SLOTS = 4
# The key-value cache takes 23 KB a token with SmolLM2: at most 375 MB.
MAX_CACHED_TOKENS = 16_384
_NO_JSON = "Z"
# Tokens that a generation may need past its limit to complete a character.
CHARACTER_TOKENS = 3


class Probability(msgspec.Struct):
    """A token that was chosen, or might have been; control tokens have no `bytes`."""

    id: int
    bytes: list[int]
    logprob: float | None
    top_logprobs: "list[Probability]" = []


class Frame(msgspec.Struct):
    """One step: a token, or all tokens of one character under its last, or (`stop`) the end."""

    content: str
    stop: bool
    tokens_predicted: int
    completion_probabilities: list[Probability] = []


class Piece(msgspec.Struct):
    """A token of a text; a list of bytes when it is not whole characters."""

    id: int
    piece: str | list[int]

    @property
    def text(self) -> str:
        """Its text, with a replacement character for what is none."""
        piece = self.piece
        return piece if isinstance(piece, str) else bytes(piece).decode(errors="replace")


class _Meta(msgspec.Struct):
    n_vocab: int


class _Model(msgspec.Struct):
    meta: _Meta


class _Models(msgspec.Struct):
    data: list[_Model]


class Llama:
    """Owns llama.cpp and its slots; an abandoned generation frees its slot."""

    def __init__(
        self,
        weights: Weights,
        max_total_tokens: int,
        *,
        max_slots: int = MAX_SLOTS,
        chat_template: str = "",
    ) -> None:
        slots = max(1, min(max_slots, MAX_SLOTS, MAX_CACHED_TOKENS // max_total_tokens))
        params = parameters(weights.model, *weights.adapters)
        params.chat_template = chat_template
        params.n_parallel, params.n_ctx = slots, slots * (max_total_tokens + CHARACTER_TOKENS)
        # tokenizing goes on beside the generations
        self._engine = Engine(params, slots + 4)
        self._http = self._engine.http
        self._slots = asyncio.Semaphore(slots)
        self._vocabulary_size: int | None = None

    async def token_ids(self, text: str, *, add_special: bool = True) -> list[int]:
        """Return a text's tokens, with BOS if the model's GGUF says so, unless told not to."""
        question = {"content": text, "add_special": add_special, "parse_special": True}
        answer = await self._post("/tokenize", question)
        return msgspec.json.decode(answer, type=dict[str, list[int]])["tokens"]

    async def tokenize(self, text: str, keep: int | None = None) -> list[Piece]:
        """Return the last `keep` tokens as the model reads them, with BOS if its GGUF says so."""
        tokens = await self._tokenize(text)
        if keep is not None and keep < len(tokens):
            bos = await self._tokenize("")
            tokens = bos + tokens[len(tokens) - keep + len(bos) :]
        return tokens

    async def render_chat(self, body: Mapping[str, object]) -> str:
        """Return the prompt that the chat template makes of `messages`."""
        answer = await self._post("/apply-template", body)
        return msgspec.json.decode(answer, type=dict[str, str])["prompt"]

    async def vocabulary_size(self) -> int:
        """Return the number of tokens, whose ids are below it."""
        if self._vocabulary_size is None:
            with _generation_errors():
                answer = await self._http.get("/v1/models")
                (model,) = msgspec.json.decode(answer.content, type=_Models).data
            self._vocabulary_size = model.meta.n_vocab
        return self._vocabulary_size

    async def check_form(self, form: Mapping[str, object]) -> None:
        """Raise EngineError for a grammar or a schema that llama.cpp cannot hold an answer to.

        A schema that it cannot read it logs and ignores: then a favoured letter comes first, with
        which no JSON begins.
        """
        favoured = {"logit_bias": [[_NO_JSON, 100]], "samplers": [], "response_fields": ["content"]}
        async with self._slots:
            answer = await self._post(
                "/completion", {"prompt": [0], "n_predict": 1, **favoured, **form}
            )
        begins = msgspec.json.decode(answer, type=dict[str, str])["content"]
        if "json_schema" in form and _NO_JSON in begins:
            raise EngineError("llama.cpp cannot read the schema; the server's log says why")

    async def special_text(self, token_id: int) -> str:
        """Return the text of a control token, which generated text leaves out."""
        answer = await self._post("/detokenize", {"tokens": [token_id]})
        return msgspec.json.decode(answer, type=dict[str, str])["content"]

    async def generate(
        self, prompt: Sequence[int], options: Mapping[str, object]
    ) -> AsyncGenerator[Frame]:
        """Frames as they come, after waiting for a slot in order of arrival; raises EngineError."""
        # by default the end repeats the prompt and every option
        fields = {"response_fields": Frame.__struct_fields__}
        body = {"prompt": prompt, "stream": True} | fields | dict(options)
        async with self._slots:
            with _generation_errors():
                async with self._http.stream("POST", "/completion", json=body) as response:
                    if response.is_error:
                        await response.aread()
                        raise EngineError(response.text)
                    async with aclosing(_data(response)) as data:
                        async for line in data:
                            yield msgspec.json.decode(line, type=Frame)

    async def _tokenize(self, text: str) -> list[Piece]:
        # as TGI's tokenizer: control tokens are cut out first, whoever wrote them
        options = {"add_special": True, "parse_special": True, "with_pieces": True}
        question = {"content": text} | options
        answer = await self._post("/tokenize", question)
        return msgspec.json.decode(answer, type=dict[str, list[Piece]])["tokens"]

    async def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        with _generation_errors():
            answer = await self._http.post(path, json=body)
        if answer.is_error:
            raise EngineError(answer.text)
        return answer.content


async def _data(response: httpx.Response) -> AsyncGenerator[bytes]:
    # httpx's own lines also end at U+2028 and its like, which may stand in generated text
    rest = b""
    async for chunk in response.aiter_raw():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield line.removeprefix(b"data: ")


@contextmanager
def _generation_errors() -> Generator[None]:
    try:
        yield
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise EngineError(str(error)) from error
