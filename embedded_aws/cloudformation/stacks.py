"""The service roles of stacks, and IAM's condition keys for stack operations."""

from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers, stacks

from embedded_aws.cloudformation.provisioning import stack_records
from embedded_aws.core.emulator import Json, Response
from embedded_aws.iam.permissions import can_assume, deny, role_allows_somewhere, role_refusal

_SERVICE = "cloudformation.amazonaws.com"
_OPERATIONS = (
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "UpdateStack",
)
_ROLE_KEY = "_ServiceRole"  # of a stack's record: the role that was passed last

# The role that the running operation acts as; its background task copies the context.
_role: ContextVar[str] = ContextVar("stack_service_role", default="")


def install(first_call: Callable[[str], str | None]) -> None:
    """Let operations act as the role that they are given, or that the stack was given before.

    `first_call(type)` names the action that stands for all that CloudFormation does for a type;
    None for a type that checks each of its calls with `refusal`.
    """
    _add_condition_keys()
    _check_passing()
    for operation in _OPERATIONS:
        handlers._ACTION_HANDLERS[operation] = _as_role(handlers._ACTION_HANDLERS[operation])
    _check_types(first_call)


def refusal(action: str, resource: str, context: Json | None = None) -> str | None:
    """Return IAM's refusal of `action` to the stack's role; None if allowed or without a role."""
    role = _role.get()
    return role_refusal(role, action, resource, context) if role else None


def _add_condition_keys() -> None:
    """Let policies see what an operation is asked for; as on AWS, not a template's body."""
    known = iam_actions.request_tag_context

    def context(service: str, action: str, body: bytes, params: Json) -> Json:
        found: Json = known(service, action, body, params)
        return {**found, **_keys(params)} if service == "cloudformation" else found

    iam_actions.request_tag_context = context


def _keys(params: Json) -> Json:
    keys = {"RoleARN": "RoleArn", "TemplateURL": "TemplateUrl", "StackPolicyURL": "StackPolicyUrl"}
    found: Json = {
        f"cloudformation:{key}": helpers._p(params, name)
        for name, key in keys.items()
        if helpers._p(params, name)
    }
    if types := helpers._extract_string_members(params, "ResourceTypes"):
        found["cloudformation:ResourceTypes"] = types
    return found


def _check_passing() -> None:
    handle = cloudformation.handle_request

    async def check_and_handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Json
    ) -> Response:
        role = parse_qs(body.decode(errors="replace")).get("RoleARN", [""])[0]
        context = {"iam:PassedToService": _SERVICE}
        if role and (
            refused := deny(
                "iam:PassRole", role, headers, query, service="cloudformation", context=context
            )
        ):
            return refused
        answer: Response = await handle(method, path, headers, body, query)
        return answer

    cloudformation.handle_request = check_and_handle


def _as_role(handle: Callable[[Json], Response]) -> Callable[[Json], Response]:
    def run(params: Json) -> Response:
        given = helpers._p(params, "RoleARN")
        if fault := _fault(params, given):
            error: Response = helpers._error("ValidationError", fault)
            return error
        name = helpers._p(params, "StackName")
        before = _stack(name)
        token = _role.set(given or before.get(_ROLE_KEY, ""))
        try:
            answer = handle(params)
        finally:
            _role.reset(token)
        if given and answer[0] == HTTPStatus.OK:
            _stack(name)[_ROLE_KEY] = given  # for all operations to come, as on AWS
        return answer

    return run


def _fault(params: Json, role: str) -> str | None:
    types = helpers._extract_string_members(params, "ResourceTypes")
    if types and helpers._extract_string_members(params, "Capabilities"):
        return "Only one of the Capabilities and ResourceTypes parameters can be specified"
    if types:
        return "the embedded CloudFormation does not emulate ResourceTypes"
    if role and not can_assume(role, _SERVICE):
        return f"Role {role} is invalid or cannot be assumed"
    return None


def _stack(name: str) -> Json:
    """Return the record of a stack by its name or id, or an empty one."""
    found = (record for record in stack_records.values() if name in _names(record))
    return next(found, {})


def _names(record: Json) -> tuple[str, str]:
    return record["StackName"], record["StackId"]


def _check_types(first_call: Callable[[str], str | None]) -> None:
    provision, update, delete = (
        stacks._provision_resource,
        stacks._update_resource,
        stacks._delete_resource,
    )

    def check(type_: str) -> None:
        role, action = _role.get(), first_call(type_)
        if role and action and not role_allows_somewhere(role, action):
            raise ValueError(f"AccessDenied. {role_refusal(role, action, '*', None)}")

    def checked_provision(type_: str, *rest: Any) -> Any:
        check(type_)
        return provision(type_, *rest)

    def checked_update(type_: str, physical_id: str, old: Json, new: Json, *rest: Any) -> Any:
        if old != new:
            check(type_)
        return update(type_, physical_id, old, new, *rest)

    def checked_delete(type_: str, *rest: Any) -> Any:
        check(type_)
        return delete(type_, *rest)

    stacks._provision_resource = checked_provision
    stacks._update_resource = checked_update
    stacks._delete_resource = checked_delete
