"""The hooks into ministack that every service shares, private names included.

ministack is pinned exactly, and `tests/core/test_ministack_contract.py` holds
every name that this package uses, so that a new version fails there first.
"""

import asyncio
import json
import os
import types
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ministack import app as ministack
from ministack.core import lambda_runtime, responses
from ministack.services import apigateway_v1, eventbridge, lambda_svc

Json = dict[str, Any]
Response = tuple[int, dict[str, Any], Any]
Handler = Callable[[str, str, dict[str, str], bytes, Json], Awaitable[Response]]
Write = Callable[[bytes], Awaitable[None]]
Chunks = Callable[[Write], Coroutine[Any, Any, None]]

# What is read at most of a stream before it is passed on: a client that does not read holds it.
MAX_CHUNK_BYTES = 16_384

application = ministack.app
gateway = apigateway_v1
functions = lambda_svc
ScopedStore = responses.AccountRegionScopedDict
account_id: Callable[[], str] = responses.get_account_id
region: Callable[[], str] = responses.get_region
scope = responses.request_scope
encode_event: Callable[[dict[str, str], bytes], bytes] = lambda_svc._es_encode_message


def arn(service: str, resource: str) -> str:
    """Return the ARN of `resource` in the account and region of the current request."""
    return f"arn:aws:{service}:{region()}:{account_id()}:{resource}"


def add_service(
    name: str,
    handler: Handler,
    matches: Callable[[str, dict[str, str]], bool],
    stores: dict[str, Any] | None = None,
    restored: Callable[[], None] = lambda: None,
) -> None:
    """Route requests for which `matches(path, headers)` holds to `handler`.

    `stores` survive a restart; `restored` is called after they were read back.
    """
    kept = stores or {}

    def load(state: Json) -> None:
        for key, store in kept.items():
            store.update(state.get(key, {}))
        restored()

    def reset() -> None:
        for store in kept.values():
            store.clear()

    module = f"local_{name.replace('-', '_')}"
    ministack._loaded_modules[module] = types.SimpleNamespace(
        handle_request=handler,
        get_state=lambda: kept,
        load_persisted_state=load,
        reset=reset,
    )
    ministack.SERVICE_REGISTRY[name] = {"module": module}
    ministack.SERVICE_HANDLERS[name] = handler
    if kept:
        ministack._state_map[module] = module

    detect = ministack.detect_service

    def detect_with(method: str, path: str, headers: dict[str, str], query: Json) -> str:
        return name if matches(path, headers) else detect(method, path, headers, query)

    ministack.detect_service = detect_with


def limit_function_environment(inherited: dict[str, str]) -> None:
    """Let the processes of functions inherit `inherited`, and nothing of the server's own."""
    # What runs Python and Node takes over the whole environment of `os`: give it another one.
    lambda_runtime.os = types.SimpleNamespace(**{**vars(os), "environ": inherited})
    provided = lambda_svc._provided_worker_env

    def provided_within_limits(config: Json, *rest: Any) -> dict[str, str]:
        own = config.get("Environment", {}).get("Variables", {})
        given: dict[str, str] = provided(config, *rest)
        kept = {k: v for k, v in given.items() if k in own or os.environ.get(k) != v}
        return {**inherited, **kept}

    lambda_svc._provided_worker_env = provided_within_limits


def put_event(source: str, detail_type: str, resources: list[str], detail: Json) -> None:
    """Put an event of an AWS service on the default event bus."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def stream(chunks: Chunks) -> Any:
    """Return a body that `chunks(write)` writes; cancelled when the client disconnects."""

    async def run(send: Any, receive: Any) -> None:
        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        async def until_disconnect() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        writer = asyncio.create_task(chunks(write))
        gone = asyncio.create_task(until_disconnect())
        await asyncio.wait({writer, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not writer.done():
            writer.cancel()
        await asyncio.gather(writer, gone, return_exceptions=True)
        # After a fault the final frame stays unsent, so that the client sees a broken stream.
        if not writer.cancelled() and writer.exception() is None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return responses.StreamingResponse(run)
