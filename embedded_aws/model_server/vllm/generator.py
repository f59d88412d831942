"""Which requests are generated: their prompts, and their lengths."""

from collections.abc import Iterator

from msgspec import structs

from embedded_aws.model_server.errors import EngineError
from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.vllm import sampling
from embedded_aws.model_server.vllm.adapters import Adapters
from embedded_aws.model_server.vllm.batch import Batch
from embedded_aws.model_server.vllm.bodies import ChatRequest, CompletionRequest, Sampled
from embedded_aws.model_server.vllm.errors import VllmError, not_found
from embedded_aws.model_server.vllm.flags import Flags
from embedded_aws.model_server.vllm.sequence import Generation


class Generator:
    """Prepares requests for llama.cpp."""

    def __init__(self, adapters: Adapters, flags: Flags, max_model_len: int) -> None:
        self._adapters = adapters
        self._flags = flags
        self.max_model_len = max_model_len

    @property
    def _llama(self) -> Llama:
        return self._adapters.llama

    @property
    def names(self) -> list[str]:
        """The names that requests may give as their model: the base's, and the adapters'."""
        return [*self._flags.names, *self._adapters.names]

    async def complete(self, body: CompletionRequest) -> Batch:
        """Return the sequences of a completion; raises VllmError."""
        if body.suffix:
            raise VllmError("suffix is not currently supported")
        await self._check(body, body.max_tokens, body.logprobs or 0)
        prompts = [await self._tokens(body, prompt) for prompt in _prompts(body)]
        return self._batch(body, prompts, body.max_tokens, body.logprobs or 0)

    async def chat(self, body: ChatRequest) -> Batch:
        """Return the sequences of a chat; raises VllmError."""
        if body.tools:
            raise VllmError(
                "tools are not supported by this server, which has no tool parser", "tools"
            )
        limit = body.max_completion_tokens
        if limit is None:
            limit = body.max_tokens
        top = (body.top_logprobs or 0) if body.logprobs else 0
        await self._check(body, limit, top)
        asked = {"messages": body.messages, "add_generation_prompt": body.add_generation_prompt}
        kwargs = (
            {"chat_template_kwargs": body.chat_template_kwargs} if body.chat_template_kwargs else {}
        )
        try:
            prompt = await self._llama.render_chat(asked | kwargs)
        except EngineError as error:
            raise VllmError(str(error)) from error
        return self._batch(body, [await self._tokens(body, prompt)], limit, top)

    async def _check(self, body: Sampled, max_tokens: int | None, logprobs: int) -> None:
        if body.model and body.model not in self.names:
            raise not_found(f"The model `{body.model}` does not exist.", "model")
        if body.stream and body.use_beam_search:
            raise VllmError("Streaming is not currently supported with beam search")
        sampling.check(body, max_tokens, logprobs, self._flags.max_logprobs)
        if body.logit_bias:
            sampling.check_biases(body.logit_bias, await self._llama.vocabulary_size())
        if form := sampling.form(body):
            try:
                await self._llama.check_form(form)
            except EngineError as error:
                raise VllmError(sampling.refusal_of(form, str(error))) from error

    async def _tokens(self, body: Sampled, prompt: str | list[int]) -> list[int]:
        if isinstance(prompt, str):
            add_special = not isinstance(body, CompletionRequest) or body.add_special_tokens
            prompt = await self._llama.token_ids(prompt, add_special=add_special)
        keep = body.truncate_prompt_tokens
        if keep is None:
            return prompt
        if keep < 0:
            keep = self.max_model_len
        return prompt[:keep] if body.truncation_side == "right" else prompt[len(prompt) - keep :]

    def _batch(
        self, body: Sampled, prompts: list[list[int]], max_tokens: int | None, logprobs: int
    ) -> Batch:
        generations = []
        for prompt in prompts:
            limit = self._room(len(prompt), max_tokens)
            asked = sampling.options(body, limit, len(prompt), logprobs)
            asked |= self._adapters.options(body.model)
            for copy in range(body.n or 1):
                own = asked | sampling.seed_of(body, copy)
                generations.append(Generation(self._llama, prompt, limit, body, own))
        return Batch(prompts, generations)

    def _room(self, prompt: int, max_tokens: int | None) -> int:
        """Return how many tokens a prompt leaves room for; raises VllmError when too few."""
        longest, asked = self.max_model_len, max_tokens or 0
        if asked > longest:
            raise VllmError(
                f"max_tokens={asked} cannot be greater than max_model_len={longest}. "
                "Please request fewer output tokens.",
                "max_tokens",
            )
        if prompt + max(1, asked) > longest:
            # vLLM stops counting at the first token too many.
            raise VllmError(
                f"This model's maximum context length is {longest} tokens. However, you requested "
                f"{asked} output tokens and your prompt contains at least {longest - asked + 1} "
                f"input tokens, for a total of at least {longest + 1} tokens. Please reduce the "
                "length of the input prompt or the number of requested output tokens.",
                "input_tokens",
            )
        return max_tokens or longest - prompt


def _prompts(body: CompletionRequest) -> Iterator[str | list[int]]:
    """Yield each prompt of a body: a text or tokens, or a list of either; raises VllmError."""
    given = body.prompt
    if isinstance(given, str) or (given and all(isinstance(token, int) for token in given)):
        yield given
    elif given and all(isinstance(each, str | list) for each in given):
        for each in given:
            yield from _prompts(structs.replace(body, prompt=each))
    else:
        raise VllmError("prompt must be a text, a list of tokens, or a list of either", "prompt")
