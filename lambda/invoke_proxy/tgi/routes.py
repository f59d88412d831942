"""TGI 1.1's own routes: `/generate`, `/generate_stream`, and `/invocations`, which is `/` too."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.bodies import parse, read
from invoke_proxy.http.delivery import EventStream, Reply
from invoke_proxy.http.logs import Record
from invoke_proxy.tgi.frames import frame
from invoke_proxy.tgi.model import Model
from invoke_proxy.tgi.rules import check, upstream_parameters
from invoke_proxy.tgi.types import (
    Details,
    GenerateParameters,
    GenerateRequest,
    GenerateResponse,
    Info,
    StreamEvent,
)

ROUTES = frozenset({"/", "/generate", "/generate_stream", "/info", "/invocations"})


async def generate(request: Request) -> Response:
    """Answer whole."""
    return await _reply(request, await _read(request), stream=False)


async def generate_stream(request: Request) -> Response:
    """Answer as a stream."""
    return await _reply(request, await _read(request), stream=True)


async def invocations(request: Request) -> Response:
    """Answer as SageMaker's container does: a stream, or a list of one whole answer."""
    body = await _read(request)
    return await _reply(request, body, stream=bool(body.stream), as_list=True)


async def info(request: Request) -> Response:
    """Answer which model is served, with its limits."""
    settings = Model.of(request).settings
    described = Info(
        model_id=settings.model_id,
        max_concurrent_requests=settings.max_concurrent_requests,
        max_input_length=settings.max_input_length,
        max_total_tokens=settings.max_total_tokens,
    )
    return Response(msgspec.json.encode(described), media_type="application/json")


async def _read(request: Request) -> GenerateRequest:
    return parse(await read(request), GenerateRequest, parameters=GenerateParameters)


async def _reply(
    request: Request, body: GenerateRequest, *, stream: bool, as_list: bool = False
) -> Response:
    model, record = Model.of(request), Record.of(request)
    asked = body.parameters or GenerateParameters()
    check(asked, model.settings, stream=stream)
    tokens = await model.count(body.inputs)
    tokens = min(tokens, asked.truncate or tokens)
    parameters = upstream_parameters(asked)
    model.fit(tokens, parameters.max_new_tokens, "inputs")
    record.prompt_tokens = tokens
    if stream:
        events = model.generate(body.inputs, parameters, record)
        return EventStream(_frames(events, details=bool(asked.details)), tgi=True)
    return Reply(_whole(model, body.inputs, asked, record, as_list=as_list))


async def _frames(events: AsyncGenerator[StreamEvent], *, details: bool) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for event in events:
            if not details:
                event.details = None
            yield frame(event)


async def _whole(
    model: Model, inputs: str, asked: GenerateParameters, record: Record, *, as_list: bool
) -> AsyncGenerator[bytes]:
    parameters = upstream_parameters(asked)
    if (asked.best_of or 1) > 1 or asked.decoder_input_details:
        answer = await model.generate_whole(inputs, parameters, record)
    else:
        answer = await _assembled(model.generate(inputs, parameters, record))
    if not (asked.details or asked.decoder_input_details):
        answer.details = UNSET
    yield msgspec.json.encode([answer] if as_list else answer)


async def _assembled(events: AsyncGenerator[StreamEvent]) -> GenerateResponse:
    """Return the answer that TGI would have sent whole."""
    async with aclosing(events):
        parts = [event async for event in events]
    last = parts[-1]
    answer = GenerateResponse(last.generated_text or "")
    if last.details:
        answer.details = Details(
            finish_reason=last.details.finish_reason,
            generated_tokens=last.details.generated_tokens,
            seed=last.details.seed,
            tokens=[part.token for part in parts],
        )
        if last.top_tokens is not UNSET:
            answer.details.top_tokens = [part.top_tokens or [] for part in parts]
    return answer
