"""Inference components: a base on an endpoint without a model, and adapters on that base."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker import permissions
from embedded_aws.sagemaker.cloudformation import inference_component
from embedded_aws.sagemaker.components import adapters, deployments, operations, routing
from embedded_aws.sagemaker.components.records import route_key
from embedded_aws.sagemaker.hosting import records, runtime, traffic
from embedded_aws.sagemaker.hosting.containers import ContainerError
from embedded_aws.tests.sagemaker.hosting.conftest import FakeContainer, Hosting

_ROLE = "arn:aws:iam::000000000000:role/endpoint"
COMPONENT_HEADER = "x-amzn-sagemaker-inference-component"
BASE: Json = {
    "ModelName": "M",
    "ComputeResourceRequirements": {
        "NumberOfAcceleratorDevicesRequired": 1,
        "MinMemoryRequiredInMb": 8192,
    },
}


def _adapter(url: str = "s3://b/support.tar.gz", base: str = "Base") -> Json:
    return {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": url}}


def _rolling(kind: str, value: int) -> Json:
    size = {"Type": kind, "Value": value}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 1}}


ADAPTER = _adapter()


class Components:
    """Components of the endpoint `E`, whose containers know adapters as `answers` has them."""

    def __init__(self, hosting: Hosting) -> None:
        self._hosting = hosting
        self.calls: list[tuple[str, str, Json | None]] = []
        self.answer = httpx.Response(200, text="Adapter registered")
        self.missing: set[str] = set()

    def extract(self, url: str, _role: str, _folder: Path) -> None:
        if url in self.missing:
            raise ContainerError(f"Could not access the adapter at {url}")

    def ask(
        self, _container: FakeContainer, method: str, path: str, body: Json | None = None
    ) -> httpx.Response:
        self.calls.append((method, path, body))
        return self.answer

    def create(self, name: str, specification: Json, **more: Any) -> Json:
        if "BaseInferenceComponentName" not in specification:
            more = {"VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}, **more}
        self._call("Create", name, EndpointName="E", Specification=specification, **more)
        return self.settled(name)

    def update(self, name: str, specification: Json, **more: Any) -> Json:
        self._call("Update", name, Specification=specification, **more)
        return self.settled(name)

    def scale(self, name: str, copies: int) -> Json:
        request = {"InferenceComponentName": name, "DesiredRuntimeConfig": {"CopyCount": copies}}
        self._hosting.call("UpdateInferenceComponentRuntimeConfig", **request)
        return self.settled(name)

    def delete(self, name: str) -> None:
        self._call("Delete", name)

    def settled(self, name: str) -> Json:
        deployments.wait_until_settled(name)
        return self._call("Describe", name)

    def listed(self, **filters: Any) -> list[str]:
        found = self._hosting.call("ListInferenceComponents", **filters)["InferenceComponents"]
        return [each["InferenceComponentName"] for each in found]

    def _call(self, verb: str, name: str, **request: Any) -> Json:
        operation = f"{verb}InferenceComponent"
        return self._hosting.call(operation, InferenceComponentName=name, **request)


@pytest.fixture
def components(hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> Iterator[Components]:
    """Components on an endpoint that is in service and hosts none yet."""
    found = Components(hosting)
    monkeypatch.setattr(deployments, "Container", FakeContainer)
    monkeypatch.setattr(adapters, "_extract", found.extract)
    monkeypatch.setattr(adapters, "_call", found.ask)
    _host(hosting, "Host")
    assert hosting.create("Host")["EndpointStatus"] == "InService"
    yield found
    for name in records.components:
        deployments.wait_until_settled(name)


def _host(hosting: Hosting, name: str, instance_type: str = "ml.g5.2xlarge", **more: Any) -> str:
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": scaling,
    }
    request = {"ExecutionRoleArn": _ROLE, "EnableNetworkIsolation": True, **more}
    request = {member: value for member, value in request.items() if value is not None}
    hosting.call(
        "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[variant], **request
    )
    return name


def _invoke(component: str | None = None) -> tuple[int, Json]:
    headers = {COMPONENT_HEADER: component} if component else {}
    path = "/endpoints/E/invocations-response-stream"
    status, _, body = asyncio.run(runtime.handle("POST", path, headers, b"{}", {}))
    assert isinstance(body, bytes)
    return status, json.loads(body)


def test_a_server_that_started_again_is_given_its_adapters(components: Components) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter("s3://b/support.tar.gz"))
    components.create("Legal", _adapter("s3://b/legal.tar.gz"))
    components.delete("Legal")
    components.create("Gone", _adapter("s3://b/gone.tar.gz"))
    components.missing.add("s3://b/gone.tar.gz")
    components.calls.clear()
    container = traffic.serving(route_key("Base"))
    assert container
    container.restore()
    loaded = [body["name"] for verb, _, body in components.calls if verb == "POST" and body]
    assert loaded == ["Support"]
    assert components.settled("Support")["InferenceComponentStatus"] == "InService"
    gone = components.settled("Gone")
    assert (gone["InferenceComponentStatus"], gone["FailureReason"]) == (
        "Failed",
        "Could not access the adapter at s3://b/gone.tar.gz",
    )


def test_a_base_and_its_adapters_take_the_requests_that_name_them(components: Components) -> None:
    base = components.create("Base", BASE)
    assert base["InferenceComponentStatus"] == "InService"
    assert base["RuntimeConfig"] == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}
    adapter = components.create("Support", _adapter())
    assert adapter["Specification"] == _adapter()
    assert components.calls[-1][:2] == ("POST", "/adapters")
    assert (components.calls[-1][2] or {})["name"] == "Support"
    assert routing.aim("E", {COMPONENT_HEADER: "Base"}) == ("inference-component/Base", {})
    assert routing.aim("E", {COMPONENT_HEADER: "Support"}) == (
        "inference-component/Base",
        {"X-Amzn-SageMaker-Adapter-Identifier": "Support"},
    )
    assert sorted(components.listed(EndpointNameEquals="E")) == ["Base", "Support"]
    assert components.listed(EndpointNameEquals="Other") == []


def test_a_request_without_a_component_or_with_an_unknown_one_is_refused(
    components: Components,
) -> None:
    status, error = _invoke()
    assert (status, error["ErrorCode"]) == (400, "INFERENCE_COMPONENT_NAME_MISSING")
    assert error["Message"].startswith("Inference Component Name header is required for endpoints")
    status, error = _invoke("Other")
    assert (status, error["Message"]) == (
        400,
        "Inference component Other of endpoint E not found.",
    )
    components.create("Base", {**BASE, "ModelName": "Broken"})
    status, error = _invoke("Base")
    assert status == 400
    assert error["Message"].startswith("Inference Component has no capacity")


def test_an_adapter_fails_silently_where_the_base_has_no_routes_for_it(
    components: Components,
) -> None:
    components.create("Base", BASE)
    components.answer = httpx.Response(404, json={"detail": "Not Found"})
    assert components.create("Support", _adapter())["InferenceComponentStatus"] == "InService"
    status, error = _invoke("Support")
    assert (status, error["OriginalStatusCode"]) == (424, 404)
    assert error["OriginalMessage"] == '{"detail":"Not Found"}'


@pytest.mark.parametrize(
    ("missing", "answer", "reason"),
    [
        ({"s3://b/support.tar.gz"}, httpx.Response(200), "Could not access the adapter"),
        (set(), httpx.Response(400, text="rank 128 is greater than max_lora_rank"), "rank 128"),
    ],
)
def test_an_adapter_fails_that_cannot_be_loaded(
    components: Components, missing: set[str], answer: httpx.Response, reason: str
) -> None:
    components.create("Base", BASE)
    components.missing, components.answer = missing, answer
    failed = components.create("Support", _adapter())
    assert failed["InferenceComponentStatus"] == "Failed"
    assert reason in failed["FailureReason"]


def test_what_serves_outlives_an_update_that_fails(components: Components) -> None:
    components.create("Base", BASE)
    broken = {**BASE, "ModelName": "Broken"}
    kept = components.update("Base", broken, RuntimeConfig={"CopyCount": 2})
    assert (kept["InferenceComponentStatus"], kept["Specification"]) == ("InService", BASE)
    assert kept["RuntimeConfig"] == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}
    assert "it is broken" in kept["FailureReason"]
    components.create("Support", _adapter())
    components.missing = {"s3://b/v2.tar.gz"}
    kept = components.update("Support", _adapter("s3://b/v2.tar.gz"))
    assert (kept["InferenceComponentStatus"], kept["Specification"]) == ("InService", _adapter())


def _instances(hosting: Hosting) -> int:
    (variant,) = hosting.described()["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def test_an_endpoint_has_an_instance_for_each_copy_within_its_bounds(
    components: Components, hosting: Hosting
) -> None:
    components.create("Base", BASE, RuntimeConfig={"CopyCount": 3})
    assert _instances(hosting) == 3
    scaled = components.scale("Base", 4)
    assert scaled["RuntimeConfig"] == {"DesiredCopyCount": 4, "CurrentCopyCount": 4}
    assert _instances(hosting) == 4

    kept = components.scale("Base", 5)
    assert kept["RuntimeConfig"] == {"DesiredCopyCount": 4, "CurrentCopyCount": 4}
    assert kept["FailureReason"] == "5 copies need as many instances, got at most 4"
    components.scale("Base", 1)
    hosting.set(no_capacity=["ml.g5.2xlarge"])
    kept = components.scale("Base", 2)
    assert "InsufficientInstanceCapacity" in kept["FailureReason"]
    assert (kept["RuntimeConfig"]["CurrentCopyCount"], _instances(hosting)) == (1, 1)
    hosting.set(account="new")
    assert "request delta of 1 Instances" in components.scale("Base", 2)["FailureReason"]

    hosting.set()
    components.create("Other", {**BASE, "ModelName": "Broken"}, RuntimeConfig={"CopyCount": 2})
    assert _instances(hosting) == 1
    components.delete("Other")
    components.scale("Base", 0)
    status, error = _invoke("Base")
    assert (status, _instances(hosting)) == (400, 1)
    assert error["Message"].startswith("Inference Component has no capacity")
    components.delete("Base")


def test_another_configuration_keeps_the_components_and_an_instance_for_each_copy(
    components: Components, hosting: Hosting
) -> None:
    components.create("Base", BASE, RuntimeConfig={"CopyCount": 3})
    components.create("Support", ADAPTER)
    hosting.update(_host(hosting, "Other"))
    settled = hosting.settled()
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "Other")
    assert _instances(hosting) == 3
    assert components.settled("Support")["InferenceComponentStatus"] == "InService"


def test_another_instance_type_is_refused_whatever_the_endpoint_hosts(
    components: Components, hosting: Hosting
) -> None:
    other = _host(hosting, "Other", "ml.g6.2xlarge")
    with pytest.raises(ServiceError, match="Cannot update endpoint with a different instance type"):
        hosting.update(other)
    components.create("Base", BASE)
    with pytest.raises(ServiceError, match="Cannot update endpoint with a different instance type"):
        hosting.update(other)


def test_a_new_model_of_the_base_keeps_its_adapters(
    components: Components, hosting: Hosting
) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    components.calls.clear()
    hosting.call("CreateModel", ModelName="M2", PrimaryContainer={})
    updated = components.update("Base", {**BASE, "ModelName": "M2"})
    assert updated["Specification"]["ModelName"] == "M2"
    assert components.calls[-1][1] == "/adapters"
    components.update("Support", _adapter("s3://b/v2.tar.gz"))
    assert [call[:2] for call in components.calls[-2:]] == [
        ("DELETE", "/adapters/Support"),
        ("POST", "/adapters"),
    ]


def test_an_adapter_that_failed_does_not_keep_its_base_from_an_update(
    components: Components, hosting: Hosting
) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    components.missing = {"s3://b/gone.tar.gz"}
    components.create("Gone", _adapter("s3://b/gone.tar.gz"))
    hosting.call("CreateModel", ModelName="M2", PrimaryContainer={})
    updated = components.update("Base", {**BASE, "ModelName": "M2"})
    assert updated["Specification"]["ModelName"] == "M2"
    assert components.settled("Support")["InferenceComponentStatus"] == "InService"

    # One that serves does: its requests would fail in the new copies.
    components.missing.add("s3://b/support.tar.gz")
    kept = components.update("Base", BASE)
    assert kept["Specification"]["ModelName"] == "M2"
    assert "Could not access the adapter at s3://b/support.tar.gz" in kept["FailureReason"]


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("Base", {"Specifications": [BASE]}, "has no Specifications in an update"),
        (
            "Base",
            {"RuntimeConfig": {"CopyCount": 4}, "DeploymentConfig": _rolling("COPY_COUNT", 3)},
            "MaximumBatchSize must be 5 to 50 percent of 4, got 3",
        ),
        (
            "Base",
            {"DeploymentConfig": _rolling("CAPACITY_PERCENT", 60)},
            "MaximumBatchSize must be 5 to 50 percent, got 60",
        ),
        (
            "Base",
            {"DeploymentConfig": _rolling("INSTANCE_COUNT", 1)},
            "enum value set: .COPY_COUNT, CAPACITY_PERCENT",
        ),
        (
            "Support",
            {"DeploymentConfig": _rolling("COPY_COUNT", 1)},
            "DeploymentConfig must be omitted",
        ),
    ],
)
def test_an_update_that_sagemaker_refuses_is_refused(
    components: Components, hosting: Hosting, name: str, more: Json, words: str
) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    with pytest.raises(ServiceError, match=words):
        hosting.call("UpdateInferenceComponent", InferenceComponentName=name, **more)


def test_bases_keep_until_their_adapters_are_gone_and_endpoints_until_both_are(
    components: Components, hosting: Hosting
) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    with pytest.raises(ServiceError, match="delete Support first"):
        components.delete("Base")
    with pytest.raises(ServiceError, match="delete Base, Support first"):
        hosting.call("DeleteEndpoint", EndpointName="E")
    components.delete("Support")
    assert components.calls[-1][:2] == ("DELETE", "/adapters/Support")
    components.delete("Base")
    hosting.call("DeleteEndpoint", EndpointName="E")


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        ({"ModelName": "M"}, "ComputeResourceRequirements is required"),
        ({**BASE, "Container": {"Image": "i"}}, "has no Container in"),
        (_adapter(base="Other"), "Could not find inference-component"),
        (_adapter("s3://b/adapter/"), "must be the s3:// path of a .tar.gz archive"),
        (_adapter("https://b.s3.amazonaws.com/support.tar.gz"), "must be the s3:// path of a"),
        (_adapter(base="Support"), "Support is an adapter"),
        ({**_adapter(), **BASE}, "has no ComputeResourceRequirements, ModelName in"),
    ],
)
def test_what_neither_a_base_nor_an_adapter_can_be_made_from_is_refused(
    components: Components, specification: Json, words: str
) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    with pytest.raises(ServiceError, match=words):
        components.create("Wrong", specification)


def test_endpoints_with_models_host_no_components(hosting: Hosting) -> None:
    hosting.create()
    with pytest.raises(ServiceError, match="E cannot host inference components"):
        Components(hosting).create("Base", BASE)
    with pytest.raises(ServiceError, match="between an endpoint configuration with models"):
        hosting.update(_host(hosting, "Host"))
    with pytest.raises(ServiceError, match="ExecutionRoleArn is required"):
        _host(hosting, "Roleless", ExecutionRoleArn=None)


def test_after_a_restart_bases_load_before_their_adapters(components: Components) -> None:
    components.create("Base", BASE)
    components.create("Support", _adapter())
    components.calls.clear()
    operations.resume()
    assert components.settled("Support")["InferenceComponentStatus"] == "InService"
    assert [call[:2] for call in components.calls][-1] == ("POST", "/adapters")


def test_callers_need_rights_on_the_endpoint_and_the_component() -> None:
    assert [
        each.rpartition(":")[2] for each in routing.resources("E", {COMPONENT_HEADER: "Base"})
    ] == [
        "endpoint/e",
        "inference-component/base",
    ]
    request = {"InferenceComponentName": "Base", "EndpointName": "E"}
    required = [*permissions.required("CreateInferenceComponent", request)]
    assert [each.resource.rpartition(":")[2] for each in required] == [
        "inference-component/base",
        "endpoint/e",
    ]


def test_a_stack_makes_updates_and_deletes_components(
    components: Components, hosting: Hosting
) -> None:
    make, change = inference_component._create, inference_component._update
    delete = inference_component._delete
    named = {"EndpointName": "E", "VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}}
    base = {**named, "InferenceComponentName": "Base", "Specification": BASE}
    adapter = {
        "InferenceComponentName": "Support",
        "EndpointName": "E",
        "Specification": _adapter(),
    }
    base["DeploymentConfig"] = _rolling("COPY_COUNT", 1)
    base_arn, attributes = make("Base", base)
    assert attributes["InferenceComponentArn"] == base_arn
    adapter_arn, _ = make("Support", adapter)
    hosting.call("CreateModel", ModelName="M2", PrimaryContainer={})
    newer = {**base, "Specification": {**BASE, "ModelName": "M2"}}
    assert change("Base", base_arn, base, newer)[0] == base_arn
    assert components.settled("Base")["LastDeploymentConfig"] == base["DeploymentConfig"]
    broken = {**base, "Specification": {**BASE, "ModelName": "Broken"}}
    with pytest.raises(ValueError, match="it is broken"):
        change("Base", base_arn, newer, broken)
    change("Base", base_arn, broken, newer)  # the stack's rollback
    delete(adapter_arn, adapter)
    delete(base_arn, newer)
    delete(base_arn, newer)  # it is gone already
    with pytest.raises(ValueError, match="it is broken"):
        make("Base", broken)
    assert components.listed() == []
