"""`AWS::SageMaker::InferenceComponent`: nothing of it is create-only but what tells it apart."""

from embedded_aws.cloudformation.provisioning import add_resource_type, send_back_when_failed
from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.cloudformation.calls import arguments, call, settled
from embedded_aws.sagemaker.components import deployments
from embedded_aws.sagemaker.hosting import records

_KIND = "InferenceComponent"
_TYPE = f"AWS::SageMaker::{_KIND}"


def install() -> None:
    """Register the type."""
    add_resource_type(_TYPE, _create, _update, _delete, blocks=True)
    send_back_when_failed(_TYPE, lambda: True)


def _create(logical_id: str, props: Json) -> tuple[str, Json]:
    name = props.get("InferenceComponentName")
    if name is None:
        raise ValueError(f"the embedded CloudFormation names no component: name {logical_id}")
    call("CreateInferenceComponent", arguments("Create", _KIND, props))
    try:
        return _settled(name)
    except ValueError:
        call("DeleteInferenceComponent", {"InferenceComponentName": name})
        raise


def _update(logical_id: str, _physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    if any(old.get(name) != new.get(name) for name in ("InferenceComponentName", "EndpointName")):
        return _create(logical_id, new)
    call("UpdateInferenceComponent", arguments("Update", _KIND, new))
    return _settled(new["InferenceComponentName"])


def _delete(physical_id: str, _props: Json) -> None:
    name = records.name_of(records.components, physical_id)
    if name in records.components:
        call("DeleteInferenceComponent", {"InferenceComponentName": name})


def _settled(name: str) -> tuple[str, Json]:
    record = settled(_KIND, name, deployments.wait_until_settled)
    attributes = {"InferenceComponentArn": record["Arn"], "InferenceComponentStatus": "InService"}
    return record["Arn"], attributes
