"""The hooks into ministack's CloudFormation: what it provisions, and how its stacks go."""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, provisioners, stacks

from embedded_aws.core.emulator import Json

# Updates a resource from the first properties to the second ones.
Update = Callable[[Json, Json], tuple[str, Json]]

stack_records = cloudformation._stacks
delete_resource: Callable[[str, str, Json], None] = provisioners._delete_resource


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
