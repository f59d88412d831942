"""The custom resource behind an alias: CloudFormation waits for it before it deletes anything."""

import json
import time
import urllib.request
from typing import Any

_FIRST_VERSION = "1"
_ANSWER_SECONDS = 30


def handle(event: dict[str, Any], context: object) -> None:
    """Tell CloudFormation that the resource is there, after the wait that the event takes."""
    del context
    time.sleep(wait_seconds(event))
    answer = {
        "Status": "SUCCESS",
        # It is the same resource all the while: another id would make CloudFormation delete it.
        "PhysicalResourceId": event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own address, pre-signed
        event["ResponseURL"],
        data=json.dumps(answer).encode(),
        headers={"Content-Type": ""},  # the signature is of none
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310 - as above
        pass


def wait_seconds(event: dict[str, Any]) -> int:
    """Return how long the version that the alias left may still have streams."""
    properties = event["ResourceProperties"]
    before = {
        # The resource may be newer than the function, whose version before is not known then.
        "Create": _FIRST_VERSION,
        "Update": event.get("OldResourceProperties", {}).get("Version"),
        "Delete": properties["Version"],
    }[event["RequestType"]]
    return 0 if properties["Version"] == before else int(properties["Seconds"])
