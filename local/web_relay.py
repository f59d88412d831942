"""Hands a request to a web function as the Web Adapter does: with its context in headers."""

import asyncio
import json
import time

import aiohttp

from local.emulator import Chunks, Json, Response, Write, stream
from local.web_functions import FunctionError, WebFunction, acquire, release

_HOP_HEADERS = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_CONTEXT_HEADERS = {"x-amzn-request-context", "x-amzn-lambda-context"}  # the adapter's own


async def relay(config: Json, code_zip: bytes, event: Json, body: bytes) -> Response:
    """Hand an API Gateway event to the function; its answer is streamed chunk by chunk.

    Raises FunctionError when no answer begins within the function's timeout.
    """
    function = await asyncio.to_thread(acquire, config, code_zip)
    seconds = float(config["Timeout"])
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=seconds), auto_decompress=False
    )
    try:
        answer = await session.request(
            event["httpMethod"],
            f"http://127.0.0.1:{function.port}{event['path']}",
            params=_query(event),
            data=body,
            headers=_headers(event, seconds),
            allow_redirects=False,
        )
    except BaseException as fault:
        await asyncio.shield(_end(session, function))
        if isinstance(fault, aiohttp.ClientError | TimeoutError):
            raise FunctionError(f"{config['FunctionName']}: {type(fault).__name__}") from fault
        raise
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
    return answer.status, headers, stream(_chunks(session, answer, function))


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


def _chunks(
    session: aiohttp.ClientSession, answer: aiohttp.ClientResponse, function: WebFunction
) -> Chunks:
    async def write_chunks(write: Write) -> None:
        try:
            async for chunk in answer.content.iter_any():
                await write(chunk)
        finally:
            answer.close()  # so that a client's leaving reaches the function
            await asyncio.shield(_end(session, function))

    return write_chunks


async def _end(session: aiohttp.ClientSession, function: WebFunction) -> None:
    await session.close()
    await asyncio.to_thread(release, function)
