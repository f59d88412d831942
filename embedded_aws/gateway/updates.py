"""Updates and versions of functions, where ministack does not do as AWS.

CloudFormation updates a function's code, then its configuration, in two calls. Between them the
function runs its new code with the old configuration. A published version has both, always: what
is called by an alias never shows it.
"""

import time

from embedded_aws.core.emulator import Json, Update, around_update, functions
from embedded_aws.gateway.functions import is_web_function

# On AWS it takes seconds, sometimes many.
_BETWEEN_SECONDS = 1
_CODE, _NEITHER = "Code", "Tags"


def install() -> None:
    """Let updates of functions take both calls, and web functions have snapshots."""
    around_update("AWS::Lambda::Function", in_two_calls)
    provision = functions._snapstart_provision_version_async

    def provision_unless_web(name: str, version: Json) -> None:
        config = version["config"]
        if not is_web_function(config):
            provision(name, version)
            return
        # ministack would import its start script; it starts with its first request.
        config["State"] = "Active"
        for reason in ("StateReason", "StateReasonCode"):
            config.pop(reason, None)

    functions._snapstart_provision_version_async = provision_unless_web


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
