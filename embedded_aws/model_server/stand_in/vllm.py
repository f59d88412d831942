"""vLLM's wire over the stand-in's batches: what they have no room for waits."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path

from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.stand_in.batch import Batch as InstanceBatch
from embedded_aws.model_server.stand_in.instances import Instances, room
from embedded_aws.model_server.vllm import sampling
from embedded_aws.model_server.vllm.app import App
from embedded_aws.model_server.vllm.batch import Batch
from embedded_aws.model_server.vllm.bodies import ChatRequest, CompletionRequest, Sampled
from embedded_aws.model_server.vllm.entrypoint import arguments
from embedded_aws.model_server.vllm.errors import VllmError
from embedded_aws.model_server.vllm.flags import Flags, parse
from embedded_aws.model_server.vllm.room import DEFAULT_MAX_MODEL_LEN
from embedded_aws.model_server.vllm.sequence import Scored, Step
from embedded_aws.model_server.weights import MODEL_DATA_ID

_TOKEN = Scored(272, " word", -1.0)


class _Generation:
    """One sequence of as many tokens as were asked for at most."""

    def __init__(self, batch: InstanceBatch, prompt: list[int], tokens: int) -> None:
        self.prompt = prompt
        self._batch, self._tokens = batch, tokens

    async def steps(self) -> AsyncGenerator[Step]:
        """Yield a step for each token."""
        come = 0
        async with aclosing(self._batch.generate(len(self.prompt), self._tokens)) as tokens:
            async for _ in tokens:
                come += 1
                yield Step([_TOKEN], _TOKEN.text, "length" if come == self._tokens else None)


class StandIn:
    """Answers as many tokens as a request asks for at most; a word of a prompt is one."""

    def __init__(self, flags: Flags, instances: Instances) -> None:
        self.names = flags.names
        self.max_model_len = flags.max_model_len or DEFAULT_MAX_MODEL_LEN
        self._flags = flags
        self._instances = instances

    async def complete(self, body: CompletionRequest) -> Batch:
        """Return the sequences of a completion; raises VllmError."""
        if not isinstance(body.prompt, str):
            raise VllmError("prompt must be a text: a service model stands in", "prompt")
        return self._batch(body, body.prompt, body.max_tokens, body.logprobs or 0)

    async def chat(self, body: ChatRequest) -> Batch:
        """Return the sequences of a chat; raises VllmError."""
        text = " ".join(str(message.get("content")) for message in body.messages)
        limit = body.max_completion_tokens or body.max_tokens
        return self._batch(body, text, limit, body.top_logprobs or 0)

    def _batch(self, body: Sampled, text: str, max_tokens: int | None, logprobs: int) -> Batch:
        sampling.check(body, max_tokens, logprobs, self._flags.max_logprobs)
        prompt = [_TOKEN.id] * len(text.split())
        limit = max_tokens or max(self.max_model_len - len(prompt), 1)
        batch = self._instances.batch()
        return Batch([prompt], [_Generation(batch, prompt, limit) for _ in range(body.n or 1)])


def furnish(environment: Mapping[str, str]) -> Room:
    """Take what the environment says; raises SettingsError."""
    flags = parse(arguments(environment, Path(environment.get("SM_MODEL_DIR", MODEL_DATA_ID))))
    instances = Instances(environment, flags.max_num_seqs)
    return room(App(StandIn(flags, instances), flags, adapters=None).asgi(), flags.model)
