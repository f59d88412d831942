"""`AWS::SageMaker::InferenceComponent`: nothing of it is create-only but what tells it apart."""

from embedded_aws.core.emulator import Json, add_resource_type, send_back_when_failed
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import permissions as stack_permissions
from embedded_aws.sagemaker.components import deployments
from embedded_aws.sagemaker.hosting import records

_TYPE = "AWS::SageMaker::InferenceComponent"


def install() -> None:
    """Register the type."""
    add_resource_type(_TYPE, _create, _update, _delete, blocks=True)
    send_back_when_failed(_TYPE, lambda: True)


def _call(operation: str, request: Json) -> Json:
    return stack_permissions.call(sagemaker.service, operation, request)


def _create(logical_id: str, props: Json) -> tuple[str, Json]:
    if "InferenceComponentName" not in props:
        raise ValueError(f"the embedded CloudFormation names no component: name {logical_id}")
    _call("CreateInferenceComponent", _request("CreateInferenceComponent", props))
    try:
        return _settled(props["InferenceComponentName"])
    except ValueError:
        _call("DeleteInferenceComponent", _name(props))
        raise


def _update(logical_id: str, physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    if any(old.get(name) != new.get(name) for name in ("InferenceComponentName", "EndpointName")):
        return _create(logical_id, new)
    del physical_id
    _call("UpdateInferenceComponent", _request("UpdateInferenceComponent", new))
    return _settled(new["InferenceComponentName"])


def _delete(physical_id: str, _props: Json) -> None:
    name = records.name_of(records.components, physical_id)
    if name in records.components:
        _call("DeleteInferenceComponent", {"InferenceComponentName": name})


def _name(props: Json) -> Json:
    return {"InferenceComponentName": props["InferenceComponentName"]}


def _request(operation: str, props: Json) -> Json:
    known = sagemaker.service.accepts("CreateInferenceComponent") | {"DeploymentConfig"}
    if unknown := props.keys() - known:
        raise ValueError(f"{_TYPE} has no property {', '.join(sorted(unknown))}")
    accepted = sagemaker.service.accepts(operation)
    return {name: value for name, value in props.items() if name in accepted}


def _settled(name: str) -> tuple[str, Json]:
    request = {"InferenceComponentName": name}
    stack_permissions.check(sagemaker.service, "DescribeInferenceComponent", request)
    record = deployments.wait_until_settled(name)
    if record["InferenceComponentStatus"] != "InService" or "FailureReason" in record:
        raise ValueError(record.get("FailureReason", f"it is {record['InferenceComponentStatus']}"))
    attributes = {"InferenceComponentArn": record["Arn"], "InferenceComponentStatus": "InService"}
    return record["Arn"], attributes
