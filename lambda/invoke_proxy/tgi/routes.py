"""TGI 1.1's own routes: `/generate`, `/generate_stream`, and `/invocations`, which is `/` too."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial

import msgspec
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from invoke_proxy.http.bodies import NEUTRAL, TGI_NEUTRAL, Unsupported, parse, read
from invoke_proxy.http.delivery import EventStream, Reply
from invoke_proxy.http.logs import Record
from invoke_proxy.model import Model
from invoke_proxy.tgi.frames import Events, frame
from invoke_proxy.tgi.rules import check, generation
from invoke_proxy.tgi.whole import generate_whole
from invoke_proxy.tgi_types import (
    MAX_BEST_OF,
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
    model = Model.of(request)
    settings, can = model.settings, model.server.capabilities
    described = Info(
        model_id=settings.model_id,
        max_concurrent_requests=settings.max_concurrent_requests,
        max_best_of=1 if "best_of" in can.without_tgi else MAX_BEST_OF,
        max_stop_sequences=can.max_stop_sequences,
        max_input_length=settings.max_input_length,
        max_total_tokens=settings.max_total_tokens,
    )
    return Response(msgspec.json.encode(described), media_type="application/json")


async def _read(request: Request) -> GenerateRequest:
    server = Model.of(request).server
    beside = Unsupported(server.title, frozenset(), NEUTRAL)
    within = Unsupported(server.title, server.capabilities.without_tgi, TGI_NEUTRAL, "parameters.")
    body = await read(request)
    return parse(body, GenerateRequest, beside, parameters=(GenerateParameters, within))


async def _reply(
    request: Request, body: GenerateRequest, *, stream: bool, as_list: bool = False
) -> Response:
    model, record = Model.of(request), Record.of(request)
    asked = body.parameters or GenerateParameters()
    check(asked, model, stream=stream)
    tokens = await model.count(body.inputs)
    tokens = min(tokens, asked.truncate or tokens)
    wanted = generation(body.inputs, tokens, asked)
    model.fit(tokens, wanted.max_tokens, "inputs")
    record.prompt_tokens = tokens
    if (asked.best_of or 1) > 1 or asked.decoder_input_details:
        whole = partial(generate_whole, model, body.inputs, asked, record)
        return Reply(_whole(whole, asked, as_list=as_list))
    made = Events(
        wanted,
        full_text=bool(asked.return_full_text),
        shows_ends=model.server.capabilities.shows_ends,
    )
    events = model.generate(wanted, record, made.take)
    if stream:
        return EventStream(_frames(events, asked), tgi=True)
    return Reply(_whole(partial(_assembled, events), asked, as_list=as_list))


async def _frames(
    events: AsyncGenerator[list[StreamEvent]], asked: GenerateParameters
) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for batch in events:
            if not asked.details:
                for event in batch:
                    event.details = None
            yield b"".join(map(frame, batch))


async def _whole(
    ask: Callable[[], Awaitable[GenerateResponse]], asked: GenerateParameters, *, as_list: bool
) -> AsyncGenerator[bytes]:
    answer = await ask()
    if not (asked.details or asked.decoder_input_details):
        answer.details = UNSET
    yield msgspec.json.encode([answer] if as_list else answer)


async def _assembled(events: AsyncGenerator[list[StreamEvent]]) -> GenerateResponse:
    """Return the answer that TGI would have sent whole."""
    async with aclosing(events):
        parts = [event async for batch in events for event in batch]
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
