"""Updates and versions of functions, where ministack does not do as AWS.

CloudFormation updates a function's code, then its configuration, in two calls. Between them the
function runs its new code with the old configuration. A published version has both, always: what
is called by an alias never shows it.
"""

import threading
import time

from embedded_aws.cloudformation.provisioning import (
    Update,
    after_provisioning,
    around_update,
    before_provisioning,
)
from embedded_aws.core.emulator import Json, functions
from embedded_aws.gateway.functions import FunctionError, WebFunction, is_web_function
from embedded_aws.gateway.snapshots import CHECKPOINT

# On AWS it takes seconds, sometimes many.
_BETWEEN_SECONDS = 1
_CODE, _NEITHER = "Code", "Tags"
_POLL_SECONDS = 0.1


def install() -> None:
    """Let updates of functions take both calls, and web functions have snapshots."""
    before_provisioning("AWS::Lambda::Function", refuse_capacity)
    around_update("AWS::Lambda::Function", in_two_calls)
    after_provisioning("AWS::Lambda::Version", await_snapshot, blocks=True)
    provision = functions._snapstart_provision_version_async

    def provision_web(name: str, version: Json) -> None:
        if is_web_function(version["config"]):  # ministack would import its start script
            threading.Thread(target=take_snapshot, args=(version,), daemon=True).start()
        else:
            provision(name, version)

    functions._snapstart_provision_version_async = provision_web


def take_snapshot(version: Json) -> None:
    """Start a version, tell it of its snapshot and end it; the version is then active or failed."""
    config = version["config"]
    try:
        WebFunction(config, version["code_zip"], CHECKPOINT).stop()
    except FunctionError as error:
        _fail(config, "FunctionError", str(error))
        return
    except Exception as error:  # noqa: BLE001 - a full disk, say: else its stack would wait for ever
        _fail(config, "InternalError", f"{type(error).__name__}: {error}")
        return
    for reason in ("StateReason", "StateReasonCode"):
        config.pop(reason, None)
    config["State"] = "Active"


def _fail(config: Json, code: str, reason: str) -> None:
    config.update(StateReasonCode=code, StateReason=reason, State="Failed")


def await_snapshot(version_arn: str, _props: Json) -> None:
    """Wait as CloudFormation does, until the version is active; raise ValueError if it fails."""
    _record, config, _name = functions._get_func_record_for_ref_in_scope(version_arn)
    while config and config["State"] == "Pending":
        time.sleep(_POLL_SECONDS)
    if config and config["State"] == "Failed":
        raise ValueError(
            f"Resource of type 'AWS::Lambda::Version' with identifier '{version_arn}' did not"
            f" stabilize. Status Reason is {config['StateReason']}"
        )


def refuse_capacity(_name: str | None, props: Json) -> None:
    """Raise ValueError for a function that would run on managed instances."""
    if "CapacityProviderConfig" in props:
        raise ValueError(
            "the embedded Lambda does not emulate managed instances: let the function run on"
            " demand, without CapacityProviderConfig, where it is deployed into it"
        )


def in_two_calls(update: Update, old: Json, new: Json) -> tuple[str, Json]:
    """Update the code before the rest, when both change."""
    between = {**old, _CODE: new[_CODE]}
    if _without(between) != _without(new) and old[_CODE] != new[_CODE]:
        update(old, between)
        time.sleep(_BETWEEN_SECONDS)
        old = between
    return update(old, new)


def _without(props: Json) -> Json:
    return {name: value for name, value in props.items() if name != _NEITHER}
