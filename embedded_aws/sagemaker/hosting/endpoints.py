"""SageMaker's endpoints: their states, and what may not be done in which."""

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import Operation, invalid
from embedded_aws.sagemaker.hosting import deployments, fleets, guardrails, scalable, traffic
from embedded_aws.sagemaker.hosting.records import (
    HOSTS,
    check_emulated,
    components,
    configs,
    create,
    described,
    endpoints,
    get,
    page,
)

_CREATED = frozenset(("EndpointName", "EndpointConfigName", "DeploymentConfig", "Tags"))
_UPDATED = frozenset(
    (
        "EndpointName",
        "EndpointConfigName",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "DeploymentConfig",
        "RetainDeploymentConfig",
    )
)
_CAPACITY = frozenset(("VariantName", "DesiredInstanceCount"))


def create_endpoint(request: Json) -> Json:
    """CreateEndpoint: answers at once, the container starts behind it."""
    check_emulated(request, _CREATED, "an endpoint")
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    fleet = fleets.planned(get(configs, "endpoint-config", config_name))
    guardrails.check(request.get("DeploymentConfig", {}), fleet["Count"])
    fleets.check_quota(fleet, fleet["Count"])
    kept = {k: v for k, v in request.items() if k != "DeploymentConfig"}
    record = {**kept, "EndpointStatus": "Creating", fleets.FLEETS: [fleet]}
    endpoint_arn = create(endpoints, "endpoint", name, record)
    deployments.start(name, config_name, guardrails.Plan())
    return {"EndpointArn": endpoint_arn}


def update_endpoint(request: Json) -> Json:
    """UpdateEndpoint: the old fleet serves until the new one has taken over."""
    check_emulated(request, _UPDATED, "an endpoint")
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    record = _changeable(name)
    config = get(configs, "endpoint-config", config_name)
    _check_update(record, config)
    fleet = fleets.planned(config, _retained_count(record, request))
    deployment = _deployment_config(record, request)
    guardrails.check(deployment, fleet["Count"])
    plan = guardrails.plan(deployment, fleet["Count"])
    if not record[fleets.FLEETS]:  # it failed before, nothing serves
        plan = guardrails.Plan()
    fleets.check_quota(fleet, plan.batch or fleet["Count"])
    if plan.batch:
        fleet["Count"] = plan.batch
    record[fleets.FLEETS].append(fleet)
    record["EndpointStatus"] = "Updating"
    if deployment:
        record["LastDeploymentConfig"] = deployment
    deployments.start(name, config_name, plan)
    return {"EndpointArn": record["Arn"]}


def _retained_count(record: Json, request: Json) -> int | None:
    if HOSTS in record and record[fleets.FLEETS]:  # as many as the copies of its components need
        return int(record[fleets.FLEETS][0]["Desired"])
    excluded = request.get("ExcludeRetainedVariantProperties", [])
    is_reset = {"VariantPropertyType": "DesiredInstanceCount"} in excluded
    if not request.get("RetainAllVariantProperties") or is_reset or not record[fleets.FLEETS]:
        return None
    return int(record[fleets.FLEETS][0]["Desired"])


def _deployment_config(record: Json, request: Json) -> Json:
    kept = record.get("LastDeploymentConfig", {}) if request.get("RetainDeploymentConfig") else {}
    return {**kept, **request.get("DeploymentConfig", {})}


def _check_update(record: Json, config: Json) -> None:
    """Raise ServiceError for a change that AWS refuses.

    Unverified: the words of the refusals; look at the errors of a first UpdateEndpoint.
    """
    refuses = circumstances.current().in_use_configuration == "refused"
    is_same = config["EndpointConfigName"] == record["EndpointConfigName"]
    if refuses and is_same and record[fleets.FLEETS]:
        raise invalid(
            f'Cannot update endpoint "{record["Arn"]}" to currently in use endpoint configuration '
            f'"{config["Arn"]}".'
        )
    (variant,) = config["ProductionVariants"]
    if record[fleets.FLEETS] and ("ModelName" in variant) == (HOSTS in record):
        raise invalid(
            f'Cannot update endpoint "{record["Arn"]}" between an endpoint configuration with'
            " models and one for inference components."
        )
    if all(f["InstanceType"] == variant["InstanceType"] for f in record[fleets.FLEETS]):
        return
    if HOSTS in record:
        raise invalid(
            "Cannot update endpoint with a different instance type for endpoints to which you plan"
            " to deploy Inference Components."
        )
    if scalable.is_registered(record["EndpointName"], variant["VariantName"]):
        raise invalid(
            f"Cannot change the instance type of the production variant {variant['VariantName']}: "
            "it is registered as a scalable target with Application Auto Scaling. Deregister it "
            "before the update."
        )


def update_weights_and_capacities(request: Json) -> Json:
    """UpdateEndpointWeightsAndCapacities: the capacity of the one variant."""
    (wanted,) = request["DesiredWeightsAndCapacities"][:1]
    check_emulated(wanted, _CAPACITY, "a variant's capacity")
    record = _changeable(request["EndpointName"])
    fleets.desire(record, wanted["DesiredInstanceCount"])
    record["EndpointStatus"] = "Updating"
    deployments.resize(request["EndpointName"])
    return {"EndpointArn": record["Arn"]}


def describe_endpoint(request: Json) -> Json:
    """DescribeEndpoint."""
    record = get(endpoints, "endpoint", request["EndpointName"])
    config = configs.get(record["EndpointConfigName"], {})
    (fleet,) = record[fleets.FLEETS][:1] or [{"Count": 0, "Desired": 0}]
    return {
        **described(record, "EndpointArn"),
        "EndpointStatus": _status(record),
        "LastModifiedTime": record.get("LastModifiedTime", record["CreationTime"]),
        "ProductionVariants": [
            {
                "VariantName": variant["VariantName"],
                "CurrentInstanceCount": fleet["Count"],
                "DesiredInstanceCount": fleet["Desired"],
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
                "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
            }
            for variant in config.get("ProductionVariants", [])
        ],
    }


def list_endpoints(request: Json) -> Json:
    """ListEndpoints."""
    members = ("EndpointStatus", "CreationTime", "LastModifiedTime")
    return page("Endpoints", "Endpoint", endpoints, members, request)


def delete_endpoint(request: Json) -> Json:
    """DeleteEndpoint; it deregisters the endpoint's scalable targets too."""
    name = request["EndpointName"]
    record = _changeable(name)
    if hosted := sorted(c for c, each in components.items() if each["EndpointName"] == name):
        raise invalid(
            f'Cannot delete endpoint "{record["Arn"]}" with inference components: delete'
            f" {', '.join(hosted)} first."
        )
    scalable.deregister(f"endpoint/{name}/")
    traffic.drop(traffic.key_of(name))
    del endpoints[name]
    return {}


def _status(record: Json) -> str:
    status = str(record["EndpointStatus"])
    is_maintained = circumstances.current().maintenance and status == "InService"
    return "SystemUpdating" if is_maintained else status


def _changeable(name: str) -> Json:
    """Return the endpoint's record; raises ServiceError in a state in which nothing may change."""
    record = get(endpoints, "endpoint", name)
    if _status(record) not in ("InService", "Failed", "UpdateRollbackFailed"):
        raise invalid(f'Cannot update in-progress endpoint "{record["Arn"]}".')
    return record


def disown(endpoint_name: str) -> None:
    """Let a restart that comes before `own` leave no endpoint behind."""
    endpoints[endpoint_name]["_Unowned"] = True


def own(endpoint_name: str) -> None:
    """Keep the endpoint: its stack records it now."""
    endpoints[endpoint_name].pop("_Unowned", None)


def resume(name: str) -> None:
    """After a restart: start the endpoint's container again."""
    record = endpoints[name]
    if "_Unowned" in record:  # its stack was interrupted, and knows nothing of it
        del endpoints[name]
        return
    counts = [fleet["Desired"] for fleet in record.get(fleets.FLEETS, [])]
    config = configs[record["EndpointConfigName"]]
    record[fleets.FLEETS] = [fleets.planned(config, *counts[:1])]
    record["EndpointStatus"] = "Creating"
    deployments.start(name, record["EndpointConfigName"], guardrails.Plan())


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights_and_capacities,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "DeleteEndpoint": delete_endpoint,
}
