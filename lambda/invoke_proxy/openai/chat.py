"""`POST /v1/chat/completions`: a chat, written as its model's prompt."""

from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.bodies import parse, read
from invoke_proxy.http.delivery import EventStream, Reply
from invoke_proxy.http.errors import RequestError
from invoke_proxy.http.logs import Record
from invoke_proxy.model import Model
from invoke_proxy.openai.chat_writer import ChatWriter
from invoke_proxy.openai.pieces import Pieces
from invoke_proxy.openai.prompts import chat_prompt
from invoke_proxy.openai.requests import ChatRequest
from invoke_proxy.openai.sampling import check, choices, generation, include_usage, stops
from invoke_proxy.prompt_formats import FORMATS, PromptFormat
from invoke_proxy.stops import matches_over


async def chat_completions(request: Request) -> Response:
    """Answer a chat, whole or as a stream."""
    model, record = Model.of(request), Record.of(request)
    body = parse(await read(request), ChatRequest, model.unsupported)
    model = model.named(body.model, record)
    check(model, body)
    prompt_format = _format(model)
    top_logprobs = _top_logprobs(model, body)
    prompt = chat_prompt(
        body.messages,
        prompt_format,
        special_tokens=model.special_tokens,
        control_tokens=model.settings.control_tokens,
    )
    tokens = await model.count(prompt)
    limit = model.fit(tokens, _max_tokens(body), "messages")
    record.prompt_tokens = tokens
    writer = ChatWriter(
        model=model.name,
        prompt_tokens=tokens,
        with_logprobs=bool(body.logprobs),
        with_usage=include_usage(body),
        fingerprint=model.server.fingerprint,
    )
    asked = generation(body, prompt, tokens, limit, top_logprobs)
    # The server would look for these in what is no part of the answer; `Pieces` cuts at them.
    prefix = prompt_format.answer_prefix
    sent = [stop for stop in asked.stop if not matches_over(prefix, stop)]
    asked = msgspec.structs.replace(asked, stop=sent)
    answers = [
        (
            partial(model.generate, each, record),
            Pieces(
                stops=stops(body),
                prefix=prefix,
                top_tokens=top_logprobs,
            ),
        )
        for each in choices(asked, body.n or 1)
    ]
    if body.stream:
        return EventStream(writer.stream(answers))
    return Reply(writer.whole(answers))


def _format(model: Model) -> PromptFormat:
    settings = model.settings
    if settings.prompt_format == "none":
        raise RequestError(
            "unsupported_parameter",
            f"{settings.model_id} is a base model and cannot chat: use /v1/completions",
            param="messages",
        )
    return FORMATS[settings.prompt_format]


def _max_tokens(body: ChatRequest) -> int | None:
    old, new = body.max_tokens, body.max_completion_tokens
    if old is not None and new is not None and old != new:
        raise RequestError(
            "invalid_request",
            "`max_tokens` and `max_completion_tokens` must be equal when both are given, "
            f"got {old} and {new}",
            param="max_tokens",
        )
    return old if new is None else new


def _top_logprobs(model: Model, body: ChatRequest) -> int | None:
    if body.top_logprobs and not body.logprobs:
        raise RequestError(
            "invalid_request", "`top_logprobs` requires `logprobs`", param="top_logprobs"
        )
    most = model.server.capabilities.max_top_logprobs
    if (body.top_logprobs or 0) > most:
        raise RequestError(
            "invalid_request",
            f"`top_logprobs` must be at most {most} on {model.server.title}, "
            f"got {body.top_logprobs}",
            param="top_logprobs",
        )
    return (body.top_logprobs or 0) if body.logprobs else None
