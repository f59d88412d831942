"""After a restart: stacks that a stop interrupted, in a state that a deploy recovers from.

What changed a stack has ended with the process. As its records were saved, so its resources are:
nothing is undone here, the next deploy or deletion goes on from them.
"""

import json

from local import losses
from local.emulator import Json, after_restoring_stacks, scope, stack_records

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


def install() -> None:
    """Settle the interrupted stacks whenever a saved state is read back."""
    after_restoring_stacks(_settle_all)


def _settle_all() -> None:
    for (account, region_name, _name), stack in stack_records.all_items():
        if stack["StackStatus"] in _SETTLED:
            losses.note(f"the stack {stack['StackName']} was {stack['StackStatus']}")
            with scope(account, region_name):
                _settle(stack)


def _settle(stack: Json) -> None:
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
