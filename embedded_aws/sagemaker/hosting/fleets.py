"""The instances of endpoints: how many run, and whether the account may run more.

One container stands for all instances of a fleet: a laptop has no more to give.
"""

import random
from collections.abc import Iterator

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json
from embedded_aws.quotas import catalog, limits
from embedded_aws.sagemaker.hosting.records import components, endpoints

COPIES = "_Copies"  # of the record of a base inference component: those that serve
FLEETS = "_Fleets"  # of an endpoint's record: what serves, and during an update its successor


class CapacityError(Exception):
    """AWS has no instance of a type at the moment."""

    def __init__(self) -> None:
        super().__init__(
            "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity "
            "error. Please retry using a different ML instance type or after some time."
        )


def planned(config: Json, count: int | None = None) -> Json:
    """Return the fleet of a configuration, with another number of instances if one is given."""
    variant = config["ProductionVariants"][0]
    wanted = count or variant.get("InitialInstanceCount", 1)
    return {"InstanceType": variant["InstanceType"], "Count": wanted, "Desired": wanted}


def check_quota(fleet: Json, count: int) -> None:
    """Raise ServiceError unless the account may run `count` more instances of the fleet's type."""
    kind = fleet["InstanceType"]
    running = (each for record in endpoints.values() for each in record.get(FLEETS, []))
    in_use = sum(each["Count"] for each in running if each["InstanceType"] == kind)
    limits.check_instances(kind, catalog.ENDPOINT, in_use=in_use, wanted=count)


def instance_count(served: str) -> int:
    """Return how many instances of an endpoint serve, or copies of `inference-component/NAME`.

    One where nothing counts them.
    """
    kind, _, component = served.partition("/")
    if component:
        return max(int(components.get(component, {}).get(COPIES, 1)), 1)
    found = endpoints.get(kind, {}).get(FLEETS) or [{"Count": 1}]
    return max(int(found[0]["Count"]), 1)


def check_capacity(instance_type: str) -> None:
    """Raise CapacityError when AWS has no instance of this type."""
    if instance_type in circumstances.current().no_capacity:
        raise CapacityError


def replace(record: Json, share: float, batch: int) -> None:
    """Note the instances of a rolling update that has come to a share of the traffic."""
    old, new = record[FLEETS]
    new["Count"] = round(share * new["Desired"])
    old["Count"] = max(old["Desired"] - new["Count"] + batch, 0) if share < 1 else batch


def finish(record: Json) -> None:
    """Let the last fleet be the endpoint's only one, whole."""
    record[FLEETS] = record[FLEETS][-1:]
    record[FLEETS][0]["Count"] = record[FLEETS][0]["Desired"]


def roll_back(record: Json, *, serves: bool) -> None:
    """Let the first fleet be the endpoint's only one, or none when none serves."""
    record[FLEETS] = record[FLEETS][:1] if serves else []
    for fleet in record[FLEETS]:
        fleet["Desired"] = fleet["Count"] = fleet.pop("Before", fleet["Desired"])


def desire(record: Json, count: int) -> None:
    """Note how many instances the endpoint shall have; raises ServiceError beyond the quota."""
    fleet = record[FLEETS][0]
    if count > fleet["Count"]:
        check_quota(fleet, count - fleet["Count"])
    fleet.update(Before=fleet["Count"], Desired=count)


def resize(record: Json) -> Iterator[float]:
    """Give the endpoint the instances that are desired; raises CapacityError.

    Yield the seconds that each new one takes after the one before it, and count it then.
    """
    fleet = record[FLEETS][0]
    new = fleet["Desired"] - fleet["Count"]
    if new > 0:
        check_capacity(fleet["InstanceType"])
        least, most = circumstances.current().instance_start_seconds
        passed = 0.0
        for ready in sorted(random.uniform(least, most) for _ in range(new)):  # noqa: S311 - no secret
            yield ready - passed
            passed = ready
            fleet["Count"] += 1
    fleet["Count"] = fleet["Desired"]
    fleet.pop("Before", None)
