"""Which requests are generated, and what is answered to them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio
from msgspec import UNSET, structs

from embedded_aws.model_server.llama import Llama
from embedded_aws.model_server.tgi.generation import Generation
from embedded_aws.model_server.tgi.settings import Settings
from embedded_aws.model_server.tgi.validation import (
    check_best_of,
    check_length,
    check_request,
    check_streamable,
)
from embedded_aws.model_server.tgi.wire import (
    Details,
    GenerateRequest,
    GenerateResponse,
    StreamResponse,
    TgiError,
)


class Generator:
    """Generates up to MAX_CONCURRENT_REQUESTS sequences at once, and refuses more."""

    def __init__(self, llama: Llama, settings: Settings) -> None:
        self._llama = llama
        self._settings = settings
        self._admitted = 0

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[StreamResponse]:
        """Yield an event for each token, the last with the whole text; raises TgiError."""
        check_streamable(request.parameters)
        async with self._admit(request) as sequence, aclosing(sequence.tokens()) as tokens:
            async for token, rivals in tokens:
                event = StreamResponse(token=token, top_tokens=rivals)
                if sequence.is_over:
                    event.generated_text = _shown_prompt(request) + sequence.text
                    event.details = sequence.details if request.parameters.details else None
                yield event

    async def answer(self, request: GenerateRequest) -> GenerateResponse:
        """Return the likeliest of `best_of` sequences, generated side by side; raises TgiError."""
        p, best_of = request.parameters, request.parameters.best_of or 1
        check_best_of(best_of, self._settings.max_best_of)
        sequences: list[tuple[str, Details]] = []
        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(best_of):
                    tasks.start_soon(self._generate_into, sequences, request)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        (text, details), *others = sorted(sequences, key=_mean_logprob, reverse=True)
        if not (p.details or p.decoder_input_details):
            return GenerateResponse(text)
        if others:
            details.best_of_sequences = [
                structs.replace(other, generated_text=its_text) for its_text, other in others
            ]
        return GenerateResponse(text, details)

    async def _generate_into(
        self, sequences: list[tuple[str, Details]], request: GenerateRequest
    ) -> None:
        p = request.parameters
        async with self._admit(request) as sequence:
            tokens, rivals = zip(*[step async for step in sequence.tokens()], strict=True)
        details = Details(
            **structs.asdict(sequence.details),
            prefill=sequence.prompt if p.decoder_input_details else [],
            tokens=list(tokens),
            top_tokens=list(rivals) if p.top_n_tokens else UNSET,
        )
        sequences.append((_shown_prompt(request) + sequence.text, details))

    @asynccontextmanager
    async def _admit(self, request: GenerateRequest) -> AsyncIterator[Generation]:
        if self._admitted >= self._settings.max_concurrent_requests:
            raise TgiError("overloaded", "Model is overloaded")
        self._admitted += 1
        try:
            check_request(request, self._settings)
            prompt = await self._llama.tokenize(request.inputs, request.parameters.truncate)
            check_length(len(prompt), request.parameters.max_new_tokens, self._settings)
            yield Generation(self._llama, prompt, request.parameters)
        finally:
            self._admitted -= 1


def _shown_prompt(request: GenerateRequest) -> str:
    return request.inputs if request.parameters.return_full_text else ""


def _mean_logprob(sequence: tuple[str, Details]) -> float:
    tokens = sequence[1].tokens
    return sum(token.logprob or 0.0 for token in tokens) / len(tokens)
