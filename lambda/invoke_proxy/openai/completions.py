"""`POST /v1/completions`: completions of one prompt or several."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.bodies import parse, read
from invoke_proxy.http.delivery import EventStream, Reply
from invoke_proxy.http.errors import RequestError
from invoke_proxy.http.logs import Record
from invoke_proxy.model import Model
from invoke_proxy.openai.completion_writer import CompletionWriter
from invoke_proxy.openai.pieces import Pieces
from invoke_proxy.openai.requests import DEFAULT_COMPLETION_TOKENS, CompletionRequest
from invoke_proxy.openai.sampling import check, choices, generation, include_usage, stops


async def completions(request: Request) -> Response:
    """Complete each prompt, whole or as a stream."""
    model, record = Model.of(request), Record.of(request)
    body = parse(await read(request), CompletionRequest, model.unsupported)
    model = model.named(body.model, record)
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    check(model, body, len(prompts))
    _check_echo(body)
    counts = [await model.count(prompt) for prompt in prompts]
    limits = [_limit(model, body, tokens) for tokens in counts]
    record.prompt_tokens = sum(counts)
    writer = CompletionWriter(
        model=model.name,
        prompt_tokens=record.prompt_tokens,
        with_logprobs=body.logprobs is not None,
        with_usage=include_usage(body),
    )
    answers = [
        (partial(model.generate, each, record), _pieces(body, prompt))
        for prompt, tokens, limit in zip(prompts, counts, limits, strict=True)
        for each in choices(generation(body, prompt, tokens, limit, body.logprobs), body.n or 1)
    ]
    if body.stream:
        return EventStream(writer.stream(answers))
    return Reply(writer.whole(answers))


def _check_echo(body: CompletionRequest) -> None:
    if body.echo and body.logprobs is not None:
        raise RequestError(
            "unsupported_parameter",
            "`logprobs` is not supported together with `echo`",
            param="logprobs",
        )


def _limit(model: Model, body: CompletionRequest, tokens: int) -> int:
    left = model.fit(tokens, body.max_tokens, "prompt")
    return body.max_tokens or min(left, DEFAULT_COMPLETION_TOKENS)


def _pieces(body: CompletionRequest, prompt: str) -> Pieces:
    return Pieces(
        stops=stops(body),
        before=prompt if body.echo else "",
        top_tokens=body.logprobs,
    )
