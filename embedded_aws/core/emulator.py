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
from ministack.services import apigateway_v1, cloudformation, eventbridge, lambda_svc
from ministack.services.cloudformation import changesets, handlers, provisioners, stacks

Json = dict[str, Any]
Response = tuple[int, dict[str, Any], Any]
Handler = Callable[[str, str, dict[str, str], bytes, Json], Awaitable[Response]]
Write = Callable[[bytes], Awaitable[None]]
# Updates a resource from the first properties to the second ones.
Update = Callable[[Json, Json], tuple[str, Json]]
Chunks = Callable[[Write], Coroutine[Any, Any, None]]

# What is read at most of a stream before it is passed on: a client that does not read holds it.
MAX_CHUNK_BYTES = 16_384

application = ministack.app
gateway = apigateway_v1
functions = lambda_svc
stack_records = cloudformation._stacks
delete_resource: Callable[[str, str, Json], None] = provisioners._delete_resource
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


def add_resource_type(
    name: str,
    create: Callable[[str, Json], tuple[str, Json]],
    update: Callable[[str, str, Json, Json], tuple[str, Json]],
    delete: Callable[[str, Json], None],
    *,
    blocks: bool = False,
) -> None:
    """Teach CloudFormation the type `name`.

    `create(logical_id, properties)` and `update(logical_id, physical_id, old, new)` return the
    physical id and the attributes; a type that `blocks` is provisioned off the event loop.
    """
    provisioners._RESOURCE_HANDLERS[name] = {
        "create": lambda logical_id, props, _stack: create(logical_id, props),
        "update": lambda physical_id, old, new, _stack, logical_id=None: update(
            logical_id or physical_id, physical_id, old, new
        ),
        "update_with_logical_id": True,
        "delete": delete,
    }
    if blocks:
        _run_off_the_loop(name)


def send_back_when_failed(name: str, when: Callable[[], bool]) -> None:
    """Let a stack's rollback update the `name` whose own update failed, when `when()` holds."""
    sends_back = stacks._sends_back_failed_update

    def sends_back_too(type_: str) -> bool:
        return sends_back(type_) or (type_ == name and when())

    stacks._sends_back_failed_update = sends_back_too


def before_provisioning(name: str, hook: Callable[[str | None, Json], None]) -> None:
    """Call `hook(physical_id, properties)` before ministack creates (no id) or updates a `name`."""
    handler = provisioners._RESOURCE_HANDLERS[name]
    create, update = handler["create"], handler["update"]

    def hook_and_create(logical_id: str, props: Json, stack: str) -> tuple[str, Json]:
        hook(None, props)
        result: tuple[str, Json] = create(logical_id, props, stack)
        return result

    def hook_and_update(physical_id: str, old: Json, new: Json, *rest: Any) -> tuple[str, Json]:
        hook(physical_id, new)
        result: tuple[str, Json] = update(physical_id, old, new, *rest)
        return result

    handler.update(create=hook_and_create, update=hook_and_update)


def after_provisioning(
    name: str, hook: Callable[[str, Json], None], *, blocks: bool = False
) -> None:
    """Call `hook(physical_id, properties)` after ministack created or updated a `name`.

    With a hook that `blocks`, the type is provisioned off the event loop.
    """
    handler = provisioners._RESOURCE_HANDLERS[name]
    create, update = handler["create"], handler["update"]

    def create_and_hook(logical_id: str, props: Json, stack: str) -> tuple[str, Json]:
        result: tuple[str, Json] = create(logical_id, props, stack)
        hook(result[0], props)
        return result

    def update_and_hook(physical_id: str, old: Json, new: Json, *rest: Any) -> tuple[str, Json]:
        result: tuple[str, Json] = update(physical_id, old, new, *rest)
        hook(result[0], new)
        return result

    handler.update(create=create_and_hook, update=update_and_hook)
    if blocks:
        _run_off_the_loop(name)


def around_update(name: str, around: Callable[[Update, Json, Json], tuple[str, Json]]) -> None:
    """Let `around(update, old, new)` update a `name` with ministack's own, off the loop."""
    handler = provisioners._RESOURCE_HANDLERS[name]
    update = handler["update"]

    def update_around(
        physical_id: str, old: Json, new: Json, *rest: Any, **named: Any
    ) -> tuple[str, Json]:
        return around(lambda o, n: update(physical_id, o, n, *rest, **named), old, new)

    handler["update"] = update_around
    _run_off_the_loop(name)


def _run_off_the_loop(name: str) -> None:
    on_worker = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda type_: type_ == name or on_worker(type_)


def before_deletion(name: str, hook: Callable[[str], None]) -> None:
    """Call `hook(physical_id)` before CloudFormation deletes a `name`."""
    handler = provisioners._RESOURCE_HANDLERS[name]
    delete = handler["delete"]

    def hook_and_delete(physical_id: str, props: Json) -> Any:
        hook(physical_id)
        return delete(physical_id, props)

    handler["delete"] = hook_and_delete


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


def after_restoring_stacks(hook: Callable[[], None]) -> None:
    """Call `hook` when CloudFormation's saved state was read back."""
    load = cloudformation.load_persisted_state

    def load_and_call(state: Json) -> None:
        load(state)
        hook()

    cloudformation.load_persisted_state = load_and_call


def on_stack_status(hook: Callable[[str, str, str, str], None]) -> None:
    """Call `hook(stack_id, status, reason, client_request_token)` when a stack changes status."""
    add_event = stacks._add_event

    def add_event_and_tell(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        type_: str,
        status: str,
        *rest: Any,
        **named: Any,
    ) -> None:
        add_event(stack_id, stack_name, logical_id, type_, status, *rest, **named)
        if type_ == "AWS::CloudFormation::Stack" and logical_id == stack_name:
            reason = rest[0] if rest else named.get("reason", "")
            hook(stack_id, status, reason, stacks.CLIENT_REQUEST_TOKEN.get())

    for module in (stacks, handlers, changesets):
        module._add_event = add_event_and_tell


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
