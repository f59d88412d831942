"""Recovery after a restart: interrupted stacks get a status that a deployment continues from.

What changed a stack has ended with the process. As its records were saved, so its resources are:
nothing is undone here, the next deploy or deletion goes on from them. What an interrupted update
had replaced may still be in use: it is deleted when the next one has succeeded.
"""

import json
import logging

from embedded_aws.cloudformation.provisioning import (
    after_restoring_stacks,
    delete_resource,
    on_stack_status,
    stack_records,
)
from embedded_aws.core.emulator import Json, scope
from embedded_aws.state import losses

_REASON = "the embedded AWS was stopped meanwhile"
# What the CDK CLI deletes and creates anew; what it updates; what is deleted again.
_SETTLED = {
    "CREATE_IN_PROGRESS": "ROLLBACK_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
}
# In a stack's record: its resources before an update, and what interrupted updates replaced.
_BEFORE, _REPLACED = "_before_update", "_replaced"
_log = logging.getLogger(__name__)


def install() -> None:
    """Settle the interrupted stacks whenever a saved state is read back."""
    after_restoring_stacks(_settle_all)
    on_stack_status(_keep_track)


def _keep_track(stack_id: str, status: str, _reason: str, _token: str) -> None:
    stack = next((s for s in stack_records.all_values() if s["StackId"] == stack_id), None)
    if stack is None:
        return
    if status == "UPDATE_IN_PROGRESS":
        stack[_BEFORE] = json.loads(json.dumps(stack["_resources"]))
    elif not status.endswith("_IN_PROGRESS"):
        stack.pop(_BEFORE, None)
    if status in ("UPDATE_COMPLETE", "DELETE_COMPLETE"):
        _delete_replaced(stack)


def _delete_replaced(stack: Json) -> None:
    used = {resource["PhysicalResourceId"] for resource in stack["_resources"].values()}
    for resource in reversed(stack.pop(_REPLACED, [])):
        kind, name = resource["ResourceType"], resource["PhysicalResourceId"]
        if name not in used:
            try:
                delete_resource(kind, name, resource["Properties"])
            except Exception:  # noqa: BLE001 - the update itself has succeeded
                _log.exception("%s %s stays behind", kind, name)


def _note_replaced(stack: Json) -> None:
    """Remember what the update that was interrupted had replaced."""
    now, template = stack["_resources"], stack["_template"].get("Resources", {})
    for name, resource in stack.pop(_BEFORE, {}).items():
        is_kept = template.get(name, {}).get("UpdateReplacePolicy") == "Retain"
        successor = now.get(name, {}).get("PhysicalResourceId")
        if successor != resource["PhysicalResourceId"] and not is_kept:
            stack.setdefault(_REPLACED, []).append(resource)


def _settle_all() -> None:
    for (account, region_name, _name), stack in stack_records.all_items():
        if stack["StackStatus"] in _SETTLED:
            losses.note(f"the stack {stack['StackName']} was {stack['StackStatus']}")
            with scope(account, region_name):
                _settle(stack)


def _settle(stack: Json) -> None:
    _note_replaced(stack)
    stack.update(StackStatus=_SETTLED[stack["StackStatus"]], StackStatusReason=_REASON)
    if stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE":
        # The template and parameters of the last success, marked: else a deploy that asks for
        # just these would find nothing to do, while some resources are the update's.
        stack["_template"] = {**stack["_template"], "Metadata": {"Interrupted": True}}
        stack["_template_body"] = json.dumps(stack["_template"])
        stack["Parameters"] = [
            {"ParameterKey": name, "ParameterValue": found["Value"], "NoEcho": found["NoEcho"]}
            for name, found in stack["_resolved_params"].items()
        ]
