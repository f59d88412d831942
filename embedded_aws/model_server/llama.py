"""llama.cpp in this process, asked over its own HTTP, on a socket that only this user opens."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager

import httpx
import msgspec
import xllamacpp

from embedded_aws.model_server.errors import EngineError, SettingsError
from embedded_aws.model_server.weights import Weights

# On one thread, throughput grows up to about four generations at a time.
MAX_SLOTS = 4
# The key-value cache takes 23 KB a token with SmolLM2: at most 375 MB.
MAX_CACHED_TOKENS = 16_384
# A prompt is read by so many tokens (0.5 s), so that other generations go on beside it and a client
# that disconnects is noticed; larger batches are no faster on one thread.
BATCH_TOKENS = 64
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


class Llama:
    """Owns llama.cpp and its slots; an abandoned generation frees its slot."""

    def __init__(self, weights: Weights, max_total_tokens: int) -> None:
        slots = max(1, min(MAX_SLOTS, MAX_CACHED_TOKENS // max_total_tokens))
        connections = slots + 4  # tokenizing goes on beside the generations
        params = _params(weights, slots, slots * (max_total_tokens + CHARACTER_TOKENS))
        params.n_threads_http = connections
        # it answers any web page that finds its port: give it none
        self._folder = tempfile.TemporaryDirectory(prefix="l")
        socket = f"{self._folder.name}/l.sock"
        params.hostnames = [socket]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            files = " with ".join(str(path) for path in (weights.model, weights.adapter) if path)
            raise SettingsError(f"llama.cpp cannot load {files}") from error
        self._slots = asyncio.Semaphore(slots)
        # each connection keeps one of llama.cpp's threads, an idle one too
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(
            base_url="http://localhost",
            transport=httpx.AsyncHTTPTransport(uds=socket, limits=limits),
            timeout=httpx.Timeout(None),
        )

    async def tokenize(self, text: str, keep: int | None = None) -> list[Piece]:
        """Return the last `keep` tokens as the model reads them, with BOS if its GGUF says so."""
        tokens = await self._tokenize(text)
        if keep is not None and keep < len(tokens):
            bos = await self._tokenize("")
            tokens = bos + tokens[len(tokens) - keep + len(bos) :]
        return tokens

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
            return (await self._http.post(path, json=body)).raise_for_status().content


def _params(weights: Weights, slots: int, context: int) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights.model)
    if weights.adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(weights.adapter), 1.0)]
    params.ui = False
    params.n_parallel, params.n_ctx = slots, context
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    # a second thread makes all of it far slower as soon as anything else runs on the machine
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # on a CPU, flash attention costs a fifth of the speed at 1,000 tokens of context
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0  # copies of old prompts could grow to 8 GiB
    params.fit_params = False  # there is no GPU to fit the model into, and looking takes 0.3 s
    params.verbosity = 1  # errors
    return params


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
