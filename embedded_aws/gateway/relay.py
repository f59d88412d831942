"""The relay to web functions: the Web Adapter's request, with its context in headers."""

import asyncio
import json
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from embedded_aws.core.connections import client_gone
from embedded_aws.core.emulator import MAX_CHUNK_BYTES, Chunks, Json, Response, Write, stream
from embedded_aws.gateway.concurrency import execution
from embedded_aws.gateway.functions import FunctionError, acquired, unqualified_arn

_HOP_HEADERS = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_CONTEXT_HEADERS = {"x-amzn-request-context", "x-amzn-lambda-context"}  # the adapter's own


async def relay(
    config: Json, code_zip: bytes, reserved: int | None, event: Json, body: bytes
) -> Response:
    """Hand an API Gateway event to the function; its answer is streamed chunk by chunk.

    `config` and `code_zip` are those of a version; all versions share what is `reserved`.

    Raises ThrottledError when all of the function's executions are taken, and FunctionError when no
    answer begins within the function's timeout.
    """
    seconds = float(config["Timeout"])
    async with AsyncExitStack() as held:
        held.enter_context(execution(unqualified_arn(config), reserved))
        function = await held.enter_async_context(acquired(config, code_zip))
        session = await held.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(function.socket)),
                read_bufsize=MAX_CHUNK_BYTES,
                timeout=aiohttp.ClientTimeout(total=seconds),
                auto_decompress=False,
            )
        )
        try:
            answer = await _unless_client_gone(
                session.request(
                    event["httpMethod"],
                    f"http://127.0.0.1{event['path']}",
                    params=_query(event),
                    data=body,
                    headers=_headers(event, seconds),
                    allow_redirects=False,
                )
            )
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise FunctionError(f"{config['FunctionName']}: {type(fault).__name__}") from fault
        headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
        return answer.status, headers, stream(_chunks(answer, held.pop_all()))


async def _unless_client_gone(
    answer: Coroutine[Any, Any, aiohttp.ClientResponse],
) -> aiohttp.ClientResponse:
    """Wait for an answer until the client disconnects."""
    asking = asyncio.create_task(answer)
    gone = asyncio.create_task(client_gone.get().wait())
    try:
        await asyncio.wait((asking, gone), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise FunctionError("the client disconnected before the answer began")
        return await asking
    finally:
        asking.cancel()
        gone.cancel()


def _query(event: Json) -> list[tuple[str, str]]:
    values: dict[str, list[str]] = event["multiValueQueryStringParameters"] or {}
    return [(name, value) for name in values for value in values[name]]


def _headers(event: Json, seconds: float) -> dict[str, str]:
    dropped = _HOP_HEADERS | _CONTEXT_HEADERS
    kept = {k: v for k, v in event["headers"].items() if k.lower() not in dropped}
    context = {
        "request_id": event["requestContext"]["requestId"],
        "deadline": int((time.time() + seconds) * 1000),
    }
    return {
        **kept,
        "x-amzn-request-context": json.dumps(event["requestContext"]),
        "x-amzn-lambda-context": json.dumps(context),
    }


def _chunks(answer: aiohttp.ClientResponse, held: AsyncExitStack) -> Chunks:
    async def write_chunks(write: Write) -> None:
        try:
            async for chunk in answer.content.iter_chunked(MAX_CHUNK_BYTES):
                await write(chunk)
        finally:
            answer.close()  # so that a client's leaving reaches the function
            await asyncio.shield(held.aclose())

    return write_chunks
