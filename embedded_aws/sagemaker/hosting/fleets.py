"""The instances of endpoints: how many run, and whether the account may run more.

One container stands for all instances of a fleet: a laptop has no more to give.
"""

from embedded_aws.core.emulator import Json
from embedded_aws.quotas import catalog, limits
from embedded_aws.sagemaker.hosting.records import endpoints

FLEETS = "_Fleets"  # of an endpoint's record: what serves, and during an update its successor


def planned(config: Json, count: int | None = None) -> Json:
    """Return the fleet of a configuration, with another number of instances if one is given."""
    variant = config["ProductionVariants"][0]
    return {
        "InstanceType": variant["InstanceType"],
        "Count": count or variant.get("InitialInstanceCount", 1),
    }


def check_quota(fleet: Json, count: int | None = None) -> None:
    """Raise ServiceError unless the account may run `count` more instances of the fleet's type."""
    kind = fleet["InstanceType"]
    running = (each for record in endpoints.values() for each in record.get(FLEETS, []))
    in_use = sum(each["Count"] for each in running if each["InstanceType"] == kind)
    wanted = fleet["Count"] if count is None else count
    limits.check_instances(kind, catalog.ENDPOINT, in_use=in_use, wanted=wanted)
