"""Fake upstreams, one per server's wire: each generates the same tokens when it is asked."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from invoke_proxy.settings import ServerName, Settings
from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, WordTokenizer, tgi_frames

TOP = (" Hallo", -1.5)  # The alternative of every token.
TIE = " Salut"  # As probable.
TOKEN_ID, END_ID = 7, 2
LOGPROB, END_LOGPROB = -0.5, -0.1


class Said(NamedTuple):
    """What a model generates, in no server's words."""

    texts: Sequence[str]
    reason: str = "length"  # As TGI names it.
    end_token: str | None = None

    @property
    def tokens(self) -> int:
        return len(self.texts) + bool(self.end_token)


class Asked(NamedTuple):
    """What a body asks for, in no server's words."""

    prompt: str
    max_tokens: int
    seed: int | None
    stop: Sequence[str] | None


class Upstream(FakeRuntime):
    """A server that answers each body as it is written in its own words."""

    def __init__(self, wire: "Wire", said: Said) -> None:
        super().__init__()
        self.wire = wire
        self.said = said
        self.edit: Callable[[list[bytes]], Sequence[bytes]] = lambda frames: frames

    async def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
        self.steps = self.edit(self.wire.frames(json.loads(body), self.said))
        async for part in super().invoke(body, component):
            yield part

    @property
    def asked(self) -> list[Asked]:
        return [self.wire.asked(body) for body in self.bodies]


class Wire(NamedTuple):
    """How one server is asked, and how it answers."""

    name: ServerName
    frames: Callable[[Any, Said], list[bytes]]
    asked: Callable[[Any], Asked]
    error: bytes  # An error in mid-stream that says "secret".

    @property
    def settings(self) -> Settings:
        return msgspec.structs.replace(SETTINGS, server=self.name)

    def upstream(
        self, *texts: str, reason: str = "length", end_token: str | None = None
    ) -> Upstream:
        return Upstream(self, Said(texts, reason, end_token))


def event(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def usage(prompt: str, count: int) -> dict[str, int]:
    prompt_tokens = WordTokenizer().count(prompt)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": count,
        "total_tokens": prompt_tokens + count,
    }


def _tgi(body: Any, said: Said) -> list[bytes]:
    if not body["stream"]:
        return [_tgi_whole(said)]
    frames = [
        json.loads(each[5:])
        for each in tgi_frames(said.texts, said.reason, end_token=said.end_token)
    ]
    if body["parameters"].get("top_n_tokens"):
        # TGI also sends the tokens that are as probable as the last one that is asked for.
        tops = [
            {"id": id_, "text": text, "logprob": TOP[1], "special": False}
            for id_, text in ((8, TOP[0]), (9, TIE))
        ]
        frames = [{**each, "top_tokens": tops} for each in frames]
    return [b"data:" + json.dumps(each).encode() + b"\n\n" for each in frames]


def _tgi_whole(said: Said) -> bytes:
    prompt = {"id": 1, "text": "<s>", "logprob": None}
    details = {"finish_reason": said.reason, "generated_tokens": said.tokens, "prefill": [prompt]}
    return json.dumps([{"generated_text": "".join(said.texts), "details": details}]).encode()


def _tgi_asked(body: Any) -> Asked:
    parameters = body["parameters"]
    stop, seed = parameters.get("stop"), parameters.get("seed")
    return Asked(body["inputs"], parameters["max_new_tokens"], seed, stop)


def vllm_chunk(texts: Sequence[str], *, scored: int | None, **more: Any) -> dict[str, Any]:
    """Return a chunk of ordinary tokens; `more` is what its choice has beside them."""
    logprobs = None
    if scored is not None:
        top = {TOP[0]: TOP[1]} if scored else {}
        logprobs = {
            "text_offset": [0] * len(texts),
            "tokens": list(texts),
            "token_logprobs": [LOGPROB] * len(texts),
            "top_logprobs": [{text: LOGPROB, **top} for text in texts],
        }
    choice = {
        "index": 0,
        "text": "".join(texts),
        "logprobs": logprobs,
        "finish_reason": None,
        "stop_reason": None,
        "token_ids": [TOKEN_ID] * len(texts),
        **more,
    }
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "choices": [choice]}


def _vllm(body: Any, said: Said) -> list[bytes]:
    """Answer as vLLM: the text ends with its first stop sequence, wherever that is."""
    scored = body.get("logprobs")
    whole = "".join(said.texts)
    ends = [at + len(each) for each in body.get("stop", ()) if (at := whole.find(each)) >= 0]
    left = min(ends, default=len(whole))
    chunks = []
    for text in said.texts:
        if left > 0:
            chunks.append(vllm_chunk([text], scored=scored, text=text[:left]))
        left -= len(text)
    if said.end_token and not ends:
        end = vllm_chunk([said.end_token], scored=scored, text="", token_ids=[END_ID])
        if end["choices"][0]["logprobs"]:
            end["choices"][0]["logprobs"]["token_logprobs"] = [END_LOGPROB]
        chunks.append(end)
    stopped = bool(ends) or said.reason == "stop_sequence"
    chunks[-1]["choices"][0] |= {
        "finish_reason": "length" if said.reason == "length" and not ends else "stop",
        "stop_reason": body["stop"][0] if stopped and body.get("stop") else None,
    }
    total = {"id": "cmpl-1", "choices": [], "usage": usage(body["prompt"], len(chunks))}
    return [*map(event, [*chunks, total]), b"data: [DONE]\n\n"]


def _vllm_asked(body: Any) -> Asked:
    return Asked(body["prompt"], body["max_tokens"], body.get("seed"), body.get("stop"))


def llama_chunk(text: str | None, count: int, *, scored: bool = False) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": None, "delta": {"content": text}}
    if scored:
        top = {"id": 8, "token": TOP[0], "bytes": [], "logprob": TOP[1]}
        token: dict[str, Any] = {"id": TOKEN_ID, "token": text, "bytes": [], "logprob": LOGPROB}
        choice["logprobs"] = {"content": [{**token, "top_logprobs": [top]}]}
    return {"choices": [choice], "timings": {"cache_n": 0, "predicted_n": count}}


def _llama_cpp(body: Any, said: Said) -> list[bytes]:
    """Answer as llama-server: its chat says nothing of the end token and the stop sequence."""
    whole = "".join(said.texts)
    starts = [whole.find(stop) for stop in body.get("stop", ())]
    left = min((at for at in starts if at >= 0), default=len(whole))
    role: dict[str, Any] = {"role": "assistant", "content": None}
    chunks: list[Any] = [{"choices": [{"index": 0, "finish_reason": None, "delta": role}]}]
    for count, text in enumerate(said.texts, start=1):
        shown, left = text[:left], max(left - len(text), 0)
        if shown:
            chunks.append(llama_chunk(shown, count, scored=body.get("logprobs", False)))
    stopped = any(at >= 0 for at in starts)
    reason = "length" if said.reason == "length" and not stopped else "stop"
    chunks.append({"choices": [{"index": 0, "finish_reason": reason, "delta": {}}]})
    prompt = body["messages"][0]["content"]
    chunks.append({"choices": [], "usage": usage(prompt, said.tokens)})
    return [*map(event, chunks), b"data: [DONE]\n\n"]


def _llama_cpp_asked(body: Any) -> Asked:
    (message,) = body["messages"]
    return Asked(message["content"], body["max_tokens"], body.get("seed"), body.get("stop"))


TGI = Wire(
    "tgi", _tgi, _tgi_asked, b'data:{"error":"secret","error_type":"generation"}\n\n'
)  # fmt: skip
VLLM = Wire(
    "vllm",
    _vllm,
    _vllm_asked,
    event({"error": {"message": "secret", "type": "InternalServerError", "code": 500}})
    + b"data: [DONE]\n\n",
)
LLAMA_CPP = Wire(
    "llama-cpp",
    _llama_cpp,
    _llama_cpp_asked,
    event({"error": {"message": "secret", "type": "server_error", "code": 500}}),
)
WIRES = (TGI, VLLM, LLAMA_CPP)
