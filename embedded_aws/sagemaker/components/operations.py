"""SageMaker's operations on inference components: their states, and what is refused.

Unverified: the words of the refusals; look at the errors of a first CreateInferenceComponent.
"""

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import Operation, invalid
from embedded_aws.sagemaker.components import deployments, placement
from embedded_aws.sagemaker.components.records import KIND, base_of, component, is_adapter
from embedded_aws.sagemaker.hosting import guardrails, scalable
from embedded_aws.sagemaker.hosting.fleets import COPIES
from embedded_aws.sagemaker.hosting.records import (
    HOSTS,
    check_emulated,
    components,
    configs,
    create,
    described,
    endpoints,
    get,
    models,
    page,
)

_CREATED = frozenset(
    (
        *("InferenceComponentName", "EndpointName", "VariantName"),
        *("Specification", "RuntimeConfig", "Tags"),
    )
)
_UPDATED = frozenset(
    ("InferenceComponentName", "Specification", "RuntimeConfig", "DeploymentConfig")
)
_RESTORED = ("Specification", "RuntimeConfig")  # when an update fails
_BASE = frozenset(("ModelName", "StartupParameters", "ComputeResourceRequirements"))
_ADAPTER = frozenset(("BaseInferenceComponentName", "Container"))
_CHANGEABLE = ("InService", "Failed")


def create_component(request: Json) -> Json:
    """CreateInferenceComponent: answers at once; the container or the adapter loads behind it."""
    check_emulated(request, _CREATED, "an inference component")
    name, endpoint_name = request["InferenceComponentName"], request["EndpointName"]
    endpoint = _host(endpoint_name)
    variant = configs[endpoint["EndpointConfigName"]]["ProductionVariants"][0]["VariantName"]
    if request.get("VariantName", variant) != variant:
        raise invalid(f"Variant {request['VariantName']} of endpoint {endpoint_name} not found.")
    _check(request)
    record = {
        **request,
        "VariantName": variant,
        "EndpointArn": endpoint["Arn"],
        "InferenceComponentStatus": "Creating",
    }
    created = create(components, KIND, name, record)
    deployments.start(name)
    return {"InferenceComponentArn": created}


def _host(endpoint_name: str) -> Json:
    endpoint = get(endpoints, "endpoint", endpoint_name)
    if HOSTS not in endpoint:
        raise invalid(
            f"Endpoint {endpoint_name} cannot host inference components: its endpoint configuration"
            " has models."
        )
    if endpoint["EndpointStatus"] != "InService":
        raise invalid(
            f"Endpoint {endpoint_name} must be InService, got {endpoint['EndpointStatus']}."
        )
    return endpoint


def _check(request: Json) -> None:
    """Raise ServiceError for what neither a base nor an adapter can be made from."""
    specification = request.get("Specification")
    if specification is None:
        raise invalid("Specification is required: the embedded SageMaker has no Specifications")
    if is_adapter(request):
        _check_adapter(request, specification)
    else:
        _check_base(request, specification)


def _check_base(request: Json, specification: Json) -> None:
    check_emulated(specification, _BASE, "the specification of a base inference component")
    for member in ("ModelName", "ComputeResourceRequirements"):
        if member not in specification:
            raise invalid(f"{member} is required in the Specification of an inference component.")
    if "CopyCount" not in request.get("RuntimeConfig", {}):
        raise invalid("RuntimeConfig with a CopyCount is required for an inference component.")
    get(models, "model", specification["ModelName"])


def _check_adapter(request: Json, specification: Json) -> None:
    check_emulated(specification, _ADAPTER, "the specification of an adapter inference component")
    for member in ("RuntimeConfig", "DeploymentConfig"):
        if member in request:
            raise invalid(f"{member} must be omitted: an adapter has the copies of its base.")
    container = specification.get("Container", {})
    check_emulated(container, frozenset(("ArtifactUrl",)), "the container of an adapter")
    url = container.get("ArtifactUrl", "")
    if not (url.startswith("s3://") and url.endswith(".tar.gz")):
        raise invalid(f"ArtifactUrl must be the s3:// path of a .tar.gz archive, got {url!r}.")
    base = component(specification["BaseInferenceComponentName"])
    if is_adapter(base):
        raise invalid(f"{base['InferenceComponentName']} is an adapter, and cannot have adapters.")
    if base["EndpointName"] != request["EndpointName"]:
        raise invalid("An adapter must be on the endpoint of its base inference component.")
    if base["InferenceComponentStatus"] != "InService":
        raise invalid(
            f"The base inference component {base['InferenceComponentName']} must be InService, got"
            f" {base['InferenceComponentStatus']}."
        )


def update_component(request: Json) -> Json:
    """UpdateInferenceComponent: what serves goes on serving until the new has loaded."""
    check_emulated(request, _UPDATED, "an update of an inference component")
    record = _changeable(request["InferenceComponentName"])
    wanted = {**record, **request}
    if is_adapter(wanted) != is_adapter(record) or base_of(wanted) != base_of(record):
        raise invalid("BaseInferenceComponentName cannot be changed.")
    _check(wanted)
    copies = wanted.get("RuntimeConfig", {}).get("CopyCount", 0)
    guardrails.check(request.get("DeploymentConfig", {}), copies)
    if record["InferenceComponentStatus"] == "InService":
        if wanted["Specification"] == record["Specification"]:  # at most other copies
            record.update({k: v for k, v in request.items() if k != "RuntimeConfig"})
            record.pop("FailureReason", None)
            return _with_copies(record, wanted.get("RuntimeConfig"))
        record["_Before"] = {name: record[name] for name in _RESTORED if name in record}
    record.update(request, InferenceComponentStatus="Updating")
    deployments.start(record["InferenceComponentName"])
    return {"InferenceComponentArn": record["Arn"]}


def update_runtime_config(request: Json) -> Json:
    """UpdateInferenceComponentRuntimeConfig: the number of copies."""
    record = _changeable(request["InferenceComponentName"])
    if is_adapter(record):
        raise invalid("An adapter has the copies of its base inference component.")
    return _with_copies(record, request["DesiredRuntimeConfig"])


def _with_copies(record: Json, wanted: Json | None) -> Json:
    """Begin to give a base another number of copies, if it is to have one."""
    if wanted != record.get("RuntimeConfig"):
        if record["InferenceComponentStatus"] == "InService":
            record["_Before"] = {"RuntimeConfig": record["RuntimeConfig"]}
            record.update(RuntimeConfig=wanted, InferenceComponentStatus="Updating")
            deployments.scale(record["InferenceComponentName"])
        else:
            record["RuntimeConfig"] = wanted
    return {"InferenceComponentArn": record["Arn"]}


def describe_component(request: Json) -> Json:
    """DescribeInferenceComponent."""
    record = component(request["InferenceComponentName"])
    answer = described(record, "InferenceComponentArn")
    answer["LastModifiedTime"] = record.get("LastModifiedTime", record["CreationTime"])
    if deployment := answer.pop("DeploymentConfig", None):
        answer["LastDeploymentConfig"] = deployment
    if runtime := answer.pop("RuntimeConfig", None):
        serves = record["InferenceComponentStatus"] not in ("Creating", "Failed")
        answer["RuntimeConfig"] = {
            "DesiredCopyCount": runtime["CopyCount"],
            "CurrentCopyCount": record.get(COPIES, 0) if serves else 0,
        }
    return answer


def list_components(request: Json) -> Json:
    """ListInferenceComponents."""
    members = (
        *("EndpointArn", "EndpointName", "VariantName"),
        *("InferenceComponentStatus", "CreationTime", "LastModifiedTime"),
    )
    return page("InferenceComponents", "InferenceComponent", components, members, request)


def delete_component(request: Json) -> Json:
    """DeleteInferenceComponent; a base keeps until its adapters are gone."""
    record = _changeable(request["InferenceComponentName"])
    name = record["InferenceComponentName"]
    if adapters := sorted(c for c, each in components.items() if base_of(each) == name):
        raise invalid(
            f"Cannot delete inference component {name} while adapter inference components use it:"
            f" delete {', '.join(adapters)} first."
        )
    deployments.remove(record)
    scalable.deregister(f"{KIND}/{name}|")
    del components[name]
    placement.fit(record["EndpointName"])
    return {}


def _changeable(name: str) -> Json:
    record = component(name)
    if record["InferenceComponentStatus"] not in _CHANGEABLE:
        raise invalid(
            f"Cannot update in-progress inference component {name}: it is"
            f" {record['InferenceComponentStatus']}."
        )
    return record


def resume() -> None:
    """After a restart: load bases again, and then their adapters."""
    for record in sorted(components.values(), key=is_adapter):
        record["InferenceComponentStatus"] = "Creating"
        deployments.start(record["InferenceComponentName"])


OPERATIONS: dict[str, Operation] = {
    "CreateInferenceComponent": create_component,
    "UpdateInferenceComponent": update_component,
    "UpdateInferenceComponentRuntimeConfig": update_runtime_config,
    "DescribeInferenceComponent": describe_component,
    "ListInferenceComponents": list_components,
    "DeleteInferenceComponent": delete_component,
}
