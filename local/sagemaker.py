"""SageMaker's control plane: models, endpoint configurations, and endpoints with their states."""

import threading

from local import model_registry, permissions
from local.emulator import Json, ScopedStore, account_id, arn, region, scope
from local.hosting import Container, ContainerError
from local.jobs import operations as jobs
from local.pipelines import executions as pipeline_executions
from local.pipelines import operations as pipelines
from local.rpc import JsonService, ServiceError, invalid, now

models, configs, endpoints = ScopedStore(), ScopedStore(), ScopedStore()
STORES = {
    "models": models,
    "configs": configs,
    "endpoints": endpoints,
    **jobs.STORES,
    **model_registry.STORES,
    **pipelines.STORES,
}

_DEFAULT_HEALTH_CHECK_SECONDS = 600
_Key = tuple[str, str, str]
_containers: dict[_Key, Container] = {}
_rollouts: dict[_Key, threading.Thread] = {}


def _key(endpoint_name: str) -> _Key:
    return account_id(), region(), endpoint_name


def _get(store: ScopedStore, kind: str, name: str) -> Json:
    if name not in store:
        raise invalid(f'Could not find {kind} "{arn("sagemaker", f"{kind}/{name}")}".')
    record: Json = store[name]
    return record


def name_of(store: ScopedStore, record_arn: str) -> str:
    """The name of the record with this ARN, or the ARN itself when there is none."""
    found = (name for name, record in store.items() if record["Arn"] == record_arn)
    return next(found, record_arn)


def _create(store: ScopedStore, kind: str, name: str, record: Json) -> str:
    if name in store:
        raise invalid(f'Cannot create already existing {kind} "{name}".')
    record_arn = arn("sagemaker", f"{kind}/{name}".lower())  # as SageMaker's ARNs are
    store[name] = {**record, "CreationTime": now(), "Arn": record_arn}
    return record_arn


def _described(record: Json, arn_name: str) -> Json:
    return {
        arn_name: record["Arn"],
        **{k: v for k, v in record.items() if k not in ("Arn", "Tags")},
    }


def create_model(request: Json) -> Json:
    """CreateModel."""
    if package := request.get("PrimaryContainer", {}).get("ModelPackageName"):
        model_registry.check_approved(package)
    return {"ModelArn": _create(models, "model", request["ModelName"], request)}


def describe_model(request: Json) -> Json:
    """DescribeModel."""
    return _described(_get(models, "model", request["ModelName"]), "ModelArn")


def delete_model(request: Json) -> Json:
    """DeleteModel."""
    _get(models, "model", request["ModelName"])
    del models[request["ModelName"]]
    return {}


def list_models(_request: Json) -> Json:
    """ListModels."""
    kept = ("ModelName", "CreationTime")
    return {"Models": [{"ModelArn": m["Arn"], **{k: m[k] for k in kept}} for m in models.values()]}


def create_endpoint_config(request: Json) -> Json:
    """CreateEndpointConfig; one production variant, as a laptop has one of everything."""
    variants = request.get("ProductionVariants", [])
    if len(variants) != 1 or "ModelName" not in variants[0]:
        raise invalid(
            "the embedded SageMaker hosts one production variant with a ModelName, "
            f"got {len(variants)} variants"
        )
    _get(models, "model", variants[0]["ModelName"])
    name = request["EndpointConfigName"]
    return {"EndpointConfigArn": _create(configs, "endpoint-config", name, request)}


def describe_endpoint_config(request: Json) -> Json:
    """DescribeEndpointConfig."""
    record = _get(configs, "endpoint-config", request["EndpointConfigName"])
    return _described(record, "EndpointConfigArn")


def delete_endpoint_config(request: Json) -> Json:
    """DeleteEndpointConfig."""
    _get(configs, "endpoint-config", request["EndpointConfigName"])
    del configs[request["EndpointConfigName"]]
    return {}


def create_endpoint(request: Json) -> Json:
    """CreateEndpoint: answers at once, the container starts behind it."""
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    _get(configs, "endpoint-config", config_name)
    record = {**request, "EndpointStatus": "Creating"}
    endpoint_arn = _create(endpoints, "endpoint", name, record)
    _roll_out(name, config_name)
    return {"EndpointArn": endpoint_arn}


def update_endpoint(request: Json) -> Json:
    """UpdateEndpoint: the old container serves until the new one is healthy."""
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    record = _get(endpoints, "endpoint", name)
    _get(configs, "endpoint-config", config_name)
    if record["EndpointStatus"] not in ("InService", "Failed"):
        raise invalid(f"Cannot update in-progress endpoint {record['Arn']}.")
    record["EndpointStatus"] = "Updating"
    _roll_out(name, config_name)
    return {"EndpointArn": record["Arn"]}


def describe_endpoint(request: Json) -> Json:
    """DescribeEndpoint."""
    record = _get(endpoints, "endpoint", request["EndpointName"])
    config = configs.get(record["EndpointConfigName"], {})
    return {
        **_described(record, "EndpointArn"),
        "LastModifiedTime": record.get("LastModifiedTime", record["CreationTime"]),
        "ProductionVariants": [
            {
                "VariantName": variant["VariantName"],
                "CurrentInstanceCount": variant.get("InitialInstanceCount", 1),
                "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
            }
            for variant in config.get("ProductionVariants", [])
        ],
    }


def list_endpoints(_request: Json) -> Json:
    """ListEndpoints."""
    kept = ("EndpointName", "EndpointStatus", "CreationTime")
    return {
        "Endpoints": [
            {
                "EndpointArn": e["Arn"],
                "LastModifiedTime": e.get("LastModifiedTime", e["CreationTime"]),
                **{k: e[k] for k in kept},
            }
            for e in endpoints.values()
        ]
    }


def delete_endpoint(request: Json) -> Json:
    """DeleteEndpoint."""
    name = request["EndpointName"]
    _get(endpoints, "endpoint", name)
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
            config = _get(configs, "endpoint-config", config_name)
            variant = config["ProductionVariants"][0]
            container = Container(_get(models, "model", variant["ModelName"]), name)
            container.wait_until_healthy(
                variant.get(
                    "ContainerStartupHealthCheckTimeoutInSeconds", _DEFAULT_HEALTH_CHECK_SECONDS
                )
            )
        except (ContainerError, ServiceError) as error:
            # As on AWS: a failed update leaves the endpoint in service with what served before.
            status = "InService" if key in _containers else "Failed"
            record.update(EndpointStatus=status, FailureReason=str(error), LastModifiedTime=now())
            return
        if name not in endpoints:  # deleted while its container started
            container.stop()
            return
        old = _containers.pop(key, None)
        _containers[key] = container
        record.pop("FailureReason", None)
        record.update(
            EndpointStatus="InService", EndpointConfigName=config_name, LastModifiedTime=now()
        )
        if old:
            old.stop()


def wait_for_rollout(endpoint_name: str) -> Json:
    """Block until the endpoint's newest roll-out has ended, and return the endpoint's record."""
    _rollouts[_key(endpoint_name)].join()
    return _get(endpoints, "endpoint", endpoint_name)


def container_port(endpoint_name: str) -> int | None:
    """The port of the container that serves the endpoint, or None while there is none."""
    container = _containers.get(_key(endpoint_name))
    return container.port if container else None


def resume() -> None:
    """After a restart: start the endpoints' containers again, mark what cannot go on."""
    jobs.interrupt_all()
    pipeline_executions.interrupt_all()
    for key, record in list(endpoints.all_items()):
        with scope(*key[:2]):
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
        "CreateModel": create_model,
        "DescribeModel": describe_model,
        "DeleteModel": delete_model,
        "ListModels": list_models,
        "CreateEndpointConfig": create_endpoint_config,
        "DescribeEndpointConfig": describe_endpoint_config,
        "DeleteEndpointConfig": delete_endpoint_config,
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
