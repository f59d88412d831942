"""Managed instance scaling: an endpoint has an instance for each copy of its components.

A copy is taken to need the accelerators of a whole instance.
"""

import time

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.components.records import is_adapter
from embedded_aws.sagemaker.hosting import fleets
from embedded_aws.sagemaker.hosting.fleets import COPIES, CapacityError
from embedded_aws.sagemaker.hosting.records import components, configs, endpoints


class PlacementError(Exception):
    """Copies that the endpoint's instances have no room for."""


def place(record: Json) -> None:
    """Let a base have the copies that its record asks for, when there are instances for them.

    Raises PlacementError, CapacityError, and ServiceError beyond the quota.
    """
    fit(record["EndpointName"])
    record[COPIES] = record["RuntimeConfig"]["CopyCount"]


def fit(endpoint_name: str) -> None:
    """Run as many instances as the copies on an endpoint need, within its bounds."""
    endpoint = endpoints[endpoint_name]
    (variant,) = configs[endpoint["EndpointConfigName"]]["ProductionVariants"]
    managed = variant.get("ManagedInstanceScaling", {})
    if managed.get("Status") != "ENABLED":
        return
    hosted = (each for each in components.values() if each["EndpointName"] == endpoint_name)
    copies = sum(map(_copies, hosted))
    wanted = max(copies, managed.get("MinInstanceCount", 1))
    if wanted > (most := managed.get("MaxInstanceCount", wanted)):
        raise PlacementError(f"{copies} copies need as many instances, got at most {most}")
    fleets.desire(endpoint, wanted)
    try:
        for seconds in fleets.resize(endpoint):
            time.sleep(circumstances.accelerated(seconds))
    except CapacityError:
        fleets.roll_back(endpoint, serves=True)
        raise


def _copies(record: Json) -> int:
    if is_adapter(record) or record["InferenceComponentStatus"] == "Failed":
        return 0
    return int(record["RuntimeConfig"]["CopyCount"])
