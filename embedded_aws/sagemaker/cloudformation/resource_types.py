"""The CloudFormation types that ministack lacks, over the services of this package."""

import uuid
from collections.abc import Callable

from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.autoscaling.resources import TARGET, target_id
from embedded_aws.cloudformation.provisioning import add_resource_type, send_back_when_failed
from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, ScopedStore
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import inference_component, permissions, tags
from embedded_aws.sagemaker.cloudformation.calls import arguments, call, settled
from embedded_aws.sagemaker.hosting import deployments
from embedded_aws.sagemaker.hosting import endpoints as hosting_endpoints
from embedded_aws.sagemaker.hosting import records as hosting_records
from embedded_aws.sagemaker.hosting.scalable import targets


def install() -> None:
    """Register every type."""
    _add_immutable("Model", hosting_records.models)
    _add_immutable("EndpointConfig", hosting_records.configs)
    add_resource_type(
        "AWS::SageMaker::ModelPackageGroup",
        _create_group,
        _update_group,
        _delete_group,
    )
    add_resource_type(
        "AWS::SageMaker::Pipeline",
        _create_pipeline,
        _update_pipeline,
        _delete_pipeline,
        blocks=True,
    )
    add_resource_type(
        "AWS::SageMaker::Endpoint",
        _create_endpoint,
        _update_endpoint,
        _delete_endpoint,
        blocks=True,
    )
    inference_component.install()
    tags.install()
    send_back_when_failed("AWS::SageMaker::Endpoint", _is_sent_back)
    add_resource_type(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        _put_target,
        lambda logical_id, _physical, _old, new: _put_target(logical_id, new),
        _delete_target,
    )
    add_resource_type(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        _put_policy,
        lambda _logical, _physical, _old, new: _put_policy(_logical, new),
        _delete_policy,
    )


def _generated_name(logical_id: str) -> str:
    return f"{logical_id[:50]}-{uuid.uuid4().hex[:12]}"


def _add_immutable(kind: str, store: ScopedStore) -> None:
    """Add a SageMaker type whose every change is a replacement, as CloudFormation documents."""
    name_property = f"{kind}Name"

    def create(logical_id: str, props: Json) -> tuple[str, Json]:
        name = props.get(name_property) or _generated_name(logical_id)
        answer = call(f"Create{kind}", {**props, name_property: name})
        call(f"Describe{kind}", {name_property: name})  # CloudFormation reads what it made
        return answer[f"{kind}Arn"], {name_property: name}

    def replace(logical_id: str, _physical: str, _old: Json, new: Json) -> tuple[str, Json]:
        return create(logical_id, new)

    def delete(physical_id: str, _props: Json) -> None:
        name = hosting_records.name_of(store, physical_id)
        _ignoring_absence(lambda: call(f"Delete{kind}", {name_property: name}))

    add_resource_type(f"AWS::SageMaker::{kind}", create, replace, delete)


def _ignoring_absence(delete: Callable[[], object]) -> None:
    try:
        delete()
    except ServiceError as error:
        is_invalid = error.code == "ValidationException" and "in-progress" not in str(error)
        if not is_invalid and error.code != "ResourceNotFound":
            raise


def _is_sent_back() -> bool:
    """Return whether a stack's rollback updates the endpoint whose update failed.

    SageMaker has rolled back by itself, to the configuration that CloudFormation then asks for:
    where that is not refused, the call changes something only of an endpoint that is stuck.
    """
    refuses = circumstances.current().in_use_configuration == "refused"
    return refuses or any(hosting_records.STUCK in e for e in hosting_records.endpoints.values())


def _create_endpoint(logical_id: str, props: Json) -> tuple[str, Json]:
    name = props.get("EndpointName") or _generated_name(logical_id)
    call("CreateEndpoint", arguments("Create", "Endpoint", {**props, "EndpointName": name}))
    hosting_endpoints.disown(name)
    try:
        created = _settled(name)
    except ValueError:
        call("DeleteEndpoint", {"EndpointName": name})
        raise
    hosting_endpoints.own(name)
    return created


def _update_endpoint(logical_id: str, physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    name = hosting_records.name_of(hosting_records.endpoints, physical_id)
    if old.get("EndpointName") != new.get("EndpointName"):
        return _create_endpoint(logical_id, new)  # a replacement: the old one goes afterwards
    call("UpdateEndpoint", arguments("Update", "Endpoint", {**new, "EndpointName": name}))
    return _settled(name)


def _settled(name: str) -> tuple[str, Json]:
    record = settled("Endpoint", name, deployments.wait_until_settled)
    return record["Arn"], {"EndpointName": name}


def _delete_endpoint(physical_id: str, _props: Json) -> None:
    name = hosting_records.name_of(hosting_records.endpoints, physical_id)
    _ignoring_absence(lambda: call("DeleteEndpoint", {"EndpointName": name}))


def _create_group(_logical_id: str, props: Json) -> tuple[str, Json]:
    answer = call("CreateModelPackageGroup", props)
    request = {"ModelPackageGroupName": answer["ModelPackageGroupArn"]}
    record = call("DescribeModelPackageGroup", request)
    attributes = ("ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime")
    return answer["ModelPackageGroupArn"], {name: str(record[name]) for name in attributes}


def _update_group(logical_id: str, physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    if old["ModelPackageGroupName"] != new["ModelPackageGroupName"]:
        return _create_group(logical_id, new)
    if _untagged(old) != _untagged(new):
        raise ValueError("the embedded CloudFormation updates tags only of a ModelPackageGroup")
    return physical_id, {"ModelPackageGroupArn": physical_id}


def _untagged(props: Json) -> Json:
    return {k: v for k, v in props.items() if k != "Tags"}


def _delete_group(physical_id: str, _props: Json) -> None:
    request = {"ModelPackageGroupName": physical_id}
    _ignoring_absence(lambda: call("DeleteModelPackageGroup", request))


def _pipeline_request(props: Json, operation: str) -> Json:
    definition = props["PipelineDefinition"]
    request = {k: v for k, v in props.items() if k != "PipelineDefinition"}
    if place := definition.get("PipelineDefinitionS3Location"):
        names = {"Bucket": "Bucket", "Key": "ObjectKey", "Version": "VersionId"}
        location = {names[k]: v for k, v in place.items() if k in names}
        request["PipelineDefinitionS3Location"] = location
    else:
        request["PipelineDefinition"] = definition["PipelineDefinitionBody"]
    accepted = sagemaker.service.accepts(operation)
    token = {"ClientRequestToken": uuid.uuid4().hex} if "ClientRequestToken" in accepted else {}
    return {**{k: v for k, v in request.items() if k in accepted}, **token}


def _create_pipeline(_logical_id: str, props: Json) -> tuple[str, Json]:
    call("CreatePipeline", _pipeline_request(props, "CreatePipeline"))
    return props["PipelineName"], {}


def _update_pipeline(logical_id: str, physical_id: str, old: Json, new: Json) -> tuple[str, Json]:
    if old["PipelineName"] != new["PipelineName"]:
        return _create_pipeline(logical_id, new)
    call("UpdatePipeline", _pipeline_request(new, "UpdatePipeline"))
    return physical_id, {}


def _delete_pipeline(physical_id: str, _props: Json) -> None:
    request = {"PipelineName": physical_id, "ClientRequestToken": uuid.uuid4().hex}
    _ignoring_absence(lambda: call("DeletePipeline", request))


def _put_target(_logical_id: str, props: Json) -> tuple[str, Json]:
    actions = props.get("ScheduledActions", [])
    target = {k: v for k, v in props.items() if k not in ("ScheduledActions", "Tags")}
    if "Tags" in props and target_id(props) not in targets:
        target["Tags"] = tags.as_map(props["Tags"])
    permissions.call(autoscaling.service, "RegisterScalableTarget", target)
    identity = {name: props[name] for name in TARGET}
    old = autoscaling.service.call("DescribeScheduledActions", identity)
    kept = {action["ScheduledActionName"] for action in actions}
    for action in old["ScheduledActions"]:
        if (name := action["ScheduledActionName"]) not in kept:
            gone = {**identity, "ScheduledActionName": name}
            autoscaling.service.call("DeleteScheduledAction", gone)
    for action in actions:
        autoscaling.service.call("PutScheduledAction", {**identity, **action})
    return "|".join(identity.values()), {}


def _target_request(target_id: str) -> Json:
    return dict(zip(TARGET, target_id.split("|"), strict=True))


def _delete_target(physical_id: str, _props: Json) -> None:
    request = _target_request(physical_id)
    _ignoring_absence(lambda: autoscaling.service.call("DeregisterScalableTarget", request))


def _policy_request(props: Json) -> Json:
    target = _target_request(props["ScalingTargetId"]) if "ScalingTargetId" in props else {}
    return {**{k: v for k, v in props.items() if k != "ScalingTargetId"}, **target}


def _put_policy(_logical_id: str, props: Json) -> tuple[str, Json]:
    request = _policy_request(props)
    permissions.check_alarms(request["ResourceId"])
    answer = autoscaling.service.call("PutScalingPolicy", request)
    return answer["PolicyARN"], {"Arn": answer["PolicyARN"]}


def _delete_policy(_physical_id: str, props: Json) -> None:
    keys = (*TARGET, "PolicyName")
    request = {k: v for k, v in _policy_request(props).items() if k in keys}
    _ignoring_absence(lambda: autoscaling.service.call("DeleteScalingPolicy", request))
