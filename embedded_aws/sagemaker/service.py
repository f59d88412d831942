"""SageMaker's control plane: endpoints with their states, over all that other modules keep."""

import threading
from pathlib import Path

from embedded_aws.core.emulator import Json, account_id, region, scope
from embedded_aws.core.rpc import JsonService, ServiceError, invalid, now
from embedded_aws.iam.permissions import role_may
from embedded_aws.sagemaker import permissions
from embedded_aws.sagemaker.hosting import fleets, models
from embedded_aws.sagemaker.hosting import records as hosting_records
from embedded_aws.sagemaker.hosting.containers import Container, ContainerError
from embedded_aws.sagemaker.hosting.records import (
    check_emulated,
    configs,
    create,
    described,
    endpoints,
    get,
    page,
)
from embedded_aws.sagemaker.jobs import operations as jobs
from embedded_aws.sagemaker.pipelines import executions as pipeline_executions
from embedded_aws.sagemaker.pipelines import operations as pipelines
from embedded_aws.sagemaker.registry import packages as model_registry
from embedded_aws.state.saving import saver

STORES = {
    **hosting_records.STORES,
    **jobs.STORES,
    **model_registry.STORES,
    **pipelines.STORES,
}

_DEFAULT_HEALTH_CHECK_SECONDS = 600
# RetainAllVariantProperties holds by itself: there is one instance, whatever is asked for.
_ENDPOINT = frozenset(("EndpointName", "EndpointConfigName", "RetainAllVariantProperties", "Tags"))
_Key = tuple[str, str, str]
_containers: dict[_Key, Container] = {}
_rollouts: dict[_Key, threading.Thread] = {}


def _key(endpoint_name: str) -> _Key:
    return account_id(), region(), endpoint_name


def create_endpoint(request: Json) -> Json:
    """CreateEndpoint: answers at once, the container starts behind it."""
    check_emulated(request, _ENDPOINT, "an endpoint")
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    fleet = fleets.planned(get(configs, "endpoint-config", config_name))
    fleets.check_quota(fleet)
    record = {**request, "EndpointStatus": "Creating", fleets.FLEETS: [fleet]}
    endpoint_arn = create(endpoints, "endpoint", name, record)
    _roll_out(name, config_name)
    return {"EndpointArn": endpoint_arn}


def update_endpoint(request: Json) -> Json:
    """UpdateEndpoint: the old container serves until the new one is healthy."""
    check_emulated(request, _ENDPOINT, "an endpoint")
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    record = get(endpoints, "endpoint", name)
    config = get(configs, "endpoint-config", config_name)
    if record["EndpointStatus"] not in ("InService", "Failed"):
        raise invalid(f"Cannot update in-progress endpoint {record['Arn']}.")
    retained = request.get("RetainAllVariantProperties", False) and record[fleets.FLEETS]
    fleet = fleets.planned(config, record[fleets.FLEETS][0]["Count"] if retained else None)
    fleets.check_quota(fleet)  # a whole second fleet runs until the first is deleted
    record[fleets.FLEETS].append(fleet)
    record["EndpointStatus"] = "Updating"
    _roll_out(name, config_name)
    return {"EndpointArn": record["Arn"]}


def describe_endpoint(request: Json) -> Json:
    """DescribeEndpoint."""
    record = get(endpoints, "endpoint", request["EndpointName"])
    config = configs.get(record["EndpointConfigName"], {})
    count = record[fleets.FLEETS][0]["Count"] if record[fleets.FLEETS] else 0
    return {
        **described(record, "EndpointArn"),
        "LastModifiedTime": record.get("LastModifiedTime", record["CreationTime"]),
        "ProductionVariants": [
            {
                "VariantName": variant["VariantName"],
                "CurrentInstanceCount": count,
                "DesiredInstanceCount": count,
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
            }
            for variant in config.get("ProductionVariants", [])
        ],
    }


def list_endpoints(request: Json) -> Json:
    """ListEndpoints."""
    members = ("EndpointStatus", "CreationTime", "LastModifiedTime")
    return page("Endpoints", "Endpoint", endpoints, members, request)


def delete_endpoint(request: Json) -> Json:
    """DeleteEndpoint."""
    name = request["EndpointName"]
    get(endpoints, "endpoint", name)
    if container := _containers.pop(_key(name), None):
        container.stop()
    del endpoints[name]
    return {}


def _roll_out(name: str, config_name: str) -> None:
    key = _key(name)
    thread = threading.Thread(target=_replace_container, args=(key, config_name), daemon=True)
    _rollouts[key] = thread
    thread.start()


def _replace_container(key: _Key, config_name: str) -> None:
    account, region_name, name = key
    with scope(account, region_name):
        record = endpoints[name]
        try:
            container = _healthy_container(name, config_name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the endpoint must not stay Creating
            known = isinstance(error, (ContainerError, ServiceError))
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            # As on AWS: a failed update leaves the endpoint in service with what served before.
            status = "InService" if key in _containers else "Failed"
            record[fleets.FLEETS] = record[fleets.FLEETS][:1] if key in _containers else []
            record.update(EndpointStatus=status, FailureReason=reason, LastModifiedTime=now())
            saver.note_change()
            return
        if name not in endpoints:  # deleted while its container started
            container.stop()
            return
        old = _containers.pop(key, None)
        _containers[key] = container
        record.pop("FailureReason", None)
        record[fleets.FLEETS] = record[fleets.FLEETS][-1:]
        record.update(
            EndpointStatus="InService", EndpointConfigName=config_name, LastModifiedTime=now()
        )
        saver.note_change()
        if old:
            old.stop()


def _healthy_container(endpoint_name: str, config_name: str) -> Container:
    config = get(configs, "endpoint-config", config_name)
    variant = config["ProductionVariants"][0]
    model = get(hosting_records.models, "model", variant["ModelName"])
    if "KmsKeyId" in config:
        _check_volume_key(config["KmsKeyId"], model.get("ExecutionRoleArn", ""))
    container = Container(model, endpoint_name)
    container.wait_until_healthy(
        variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _DEFAULT_HEALTH_CHECK_SECONDS)
    )
    return container


def _check_volume_key(key_arn: str, role_arn: str) -> None:
    """Raise ContainerError unless the role may lend the key to the storage of its instances."""
    granted = {"kms:GrantIsForAWSResource": "true"}
    for action, context in (("kms:DescribeKey", {}), ("kms:CreateGrant", granted)):
        if not role_may(role_arn, action, key_arn, context):
            raise ContainerError(f"{role_arn} may not {action} on {key_arn}")


def wait_for_rollout(endpoint_name: str) -> Json:
    """Block until the endpoint's newest roll-out has ended, and return the endpoint's record."""
    _rollouts[_key(endpoint_name)].join()
    return get(endpoints, "endpoint", endpoint_name)


def create_unowned(request: Json) -> Json:
    """CreateEndpoint for a stack; a restart that comes before `own` leaves no endpoint behind."""
    answer = service.call("CreateEndpoint", request)
    endpoints[request["EndpointName"]]["_Unowned"] = True
    return answer


def own(endpoint_name: str) -> None:
    """Keep the endpoint of `create_unowned`: its stack records it now."""
    endpoints[endpoint_name].pop("_Unowned", None)


def container_socket(endpoint_name: str) -> Path | None:
    """Return the socket of the container that serves the endpoint, or None while there is none."""
    container = _containers.get(_key(endpoint_name))
    return container.socket if container else None


def resume() -> None:
    """After a restart: start the endpoints' containers again, mark what cannot go on."""
    jobs.interrupt_all()
    pipeline_executions.interrupt_all()
    for key, record in list(endpoints.all_items()):
        with scope(*key[:2]):
            if "_Unowned" in record:  # its stack was interrupted, and knows nothing of it
                del endpoints[key[2]]
                continue
            config = configs[record["EndpointConfigName"]]
            counts = [fleet["Count"] for fleet in record.get(fleets.FLEETS, [])]
            record[fleets.FLEETS] = [fleets.planned(config, *counts[:1])]
            record["EndpointStatus"] = "Creating"
            _roll_out(key[2], record["EndpointConfigName"])


def stop_all() -> None:
    """End every container and every job; their records stay for the next start."""
    jobs.stop_all()
    while _containers:
        _containers.popitem()[1].stop()


service = JsonService(
    "sagemaker",
    {
        **models.OPERATIONS,
        "CreateEndpoint": create_endpoint,
        "UpdateEndpoint": update_endpoint,
        "DescribeEndpoint": describe_endpoint,
        "ListEndpoints": list_endpoints,
        "DeleteEndpoint": delete_endpoint,
        **jobs.OPERATIONS,
        **model_registry.OPERATIONS,
        **pipelines.OPERATIONS,
        **pipeline_executions.OPERATIONS,
    },
    permissions.required,
)
