"""Repair of a serving stack that CloudFormation could not roll back."""

import uuid
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from operate.environment import Client, Environment
from operate.failures import watching
from operate.releases.updates import POLL_SECONDS, served_package, watch_update
from operate.terminal import ask

_BROKEN, _REPAIRED = "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE"


def repair(
    environment: Environment, ask: Callable[[str], str] = ask, every: float = POLL_SECONDS
) -> None:
    """Continue the rollback to its end, and print what is served; raises SystemExit if it fails."""
    found = environment.describe("Serving")
    stack, status = str(found["StackName"]), found["StackStatus"]
    if status != _BROKEN:
        raise SystemExit(f"{stack} is {status}: only {_BROKEN} is repaired here")
    cloudformation = environment.client("cloudformation")
    _show(_failures(cloudformation, stack))
    rejoin = f"run `make repair ENV={environment.name}` again when it has ended"
    with watching(f"the rollback of {stack}", rejoin):
        if _continue(cloudformation, stack, [], every) != _REPAIRED:
            failed = _failures(cloudformation, stack)
            _show(failed)
            _ask_to_skip(sorted(failed), ask)
            if _continue(cloudformation, stack, sorted(failed), every) != _REPAIRED:
                raise SystemExit(f"{stack} is still {_BROKEN}: its events say why")
    print(f"{stack} says that {served_package(environment) or 'the base weights'} is served;")
    print(f"`make drift ENV={environment.name}` compares the endpoint with it")


def _ask_to_skip(resources: list[str], ask: Callable[[str], str]) -> None:
    names = ", ".join(resources)
    print(
        f"the rollback failed again: it can leave out {names}, which stay as they are, while"
        " CloudFormation takes them for rolled back. Deploy afterwards, so that both are the same."
    )
    if ask(f"type `skip` to leave out {names}: ") != "skip":
        raise SystemExit(
            "nothing was left out: fix what the failure names, then run this command again"
        )


def _continue(cloudformation: Client, stack: str, skipped: list[str], every: float) -> str:
    """Continue the rollback, and return the status that it ends with."""
    token = f"repair-{uuid.uuid4().hex}"
    skip: dict[str, Any] = {"ResourcesToSkip": skipped} if skipped else {}
    cloudformation.continue_update_rollback(StackName=stack, ClientRequestToken=token, **skip)
    status, _ = watch_update(cloudformation, stack, token, every)
    return status


def _failures(cloudformation: Client, stack: str) -> dict[str, str]:
    """Return why the newest rollback failed, by the resource."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    newest = takewhile(lambda e: e["ResourceStatus"] != "UPDATE_ROLLBACK_IN_PROGRESS", events)
    return {
        str(event["LogicalResourceId"]): str(event.get("ResourceStatusReason", ""))
        for event in newest
        if event["ResourceStatus"].endswith("_FAILED") and event["ResourceStatus"] != _BROKEN
    }


def _show(failures: dict[str, str]) -> None:
    for resource, reason in failures.items():
        print(f"{resource}: {reason}")
