"""The custom resource behind an alias: CloudFormation waits for it before it deletes anything."""

import json
import time
import urllib.request
from typing import Any

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
    version: str = properties["Version"]
    has_left_one = {
        # The resource may be newer than the function, whose version before is not known then.
        "Create": not version.endswith(":1"),
        "Update": version != event.get("OldResourceProperties", {}).get("Version"),
        "Delete": False,
    }[event["RequestType"]]
    return int(properties["Seconds"]) if has_left_one else 0
