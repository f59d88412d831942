"""The operator's verbs on what a release leaves behind: rollback, drift, updates."""

import hashlib
import io
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, UnauthorizedSSOTokenError

from operate.failures import GOES_ON
from operate.releases.drift import drift
from operate.releases.inventories import registered_files
from operate.releases.rollback import rollback
from operate.releases.updates import serve_package
from tests.unit.operate.doubles import Stacks, environment, refusal
from tests.unit.other_json import OTHER_JSON

_GROUP = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/prod-training-mistral-7b"
_ARN = "arn:aws:sagemaker:eu-west-1:111111111111"
_PACKAGE = f"{_GROUP}/3"
_ROLE = "arn:aws:iam::111111111111:role/release"
_BASE = {"Image": "1.dkr.ecr.eu-west-1.amazonaws.com/tgi:1.1", "Environment": {"A": "1"}}
_RELEASED = {"ModelPackageName": {"Ref": "ModelPackageArn"}, "Environment": {"A": "tuned"}}
_INVENTORY = (
    b'{"files":[{"name":"config.json","size":2,"etag":"c"},{"name":"w","size":9,"etag":"w"}]}'
)
_STORED = {"config.json": (2, "c"), "w": (9, "w")}
_SERVED = {"ModelPackageName": _PACKAGE, "Environment": {"A": "tuned"}}


class _Registry:
    """The packages' metadata; each look and each note goes through SageMaker's calls."""

    def __init__(self, account: "_Account", **histories: str) -> None:
        self._account = account
        self.metadata = {
            f"{_GROUP}/{version.lstrip('v')}": dict(zip(_MOMENTS, moments.split(), strict=False))
            for version, moments in histories.items()
        }

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        package = self._account.describe_model_package()
        history = self.metadata[ModelPackageName]
        return {
            **package,
            "CustomerMetadataProperties": {**package["CustomerMetadataProperties"], **history},
        }

    def update_model_package(
        self,
        *,
        ModelPackageArn: str,  # noqa: N803 - boto3's name
        CustomerMetadataProperties: dict[str, str],  # noqa: N803 - boto3's name
    ) -> None:
        given = CustomerMetadataProperties
        self.metadata[ModelPackageArn].update({k: given[k] for k in _MOMENTS if k in given})

    def describe_pipeline_execution(self, **_: str) -> dict[str, Any]:
        return self._account.describe_pipeline_execution()

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_model_packages"
        summaries = [{"ModelPackageArn": arn} for arn in self.metadata]
        return SimpleNamespace(
            paginate=lambda **asked: (
                [{"ModelPackageSummaryList": summaries}]
                if asked == {"ModelPackageGroupName": "g", "ModelApprovalStatus": "Approved"}
                else pytest.fail(str(asked))
            )
        )


_MOMENTS = ("served_at", "rolled_back_at")


def _rolls_back(
    registry: _Registry, served: str, *, to: str = "", account: "_Account | None" = None
) -> str:
    """Roll back, and return the version that is served then."""
    stack = _Serving(("UPDATE_COMPLETE",), serves=f"{_GROUP}/{served}" if served else "")
    s3 = account or _Account()
    rollback(environment(sagemaker=registry, s3=s3, cloudformation=stack), to, every=0)
    return stack.served.removeprefix(f"{_GROUP}/")


def test_rollback_returns_to_what_was_served_before_and_not_to_the_next_lower_number() -> None:
    registry = _Registry(_Account(), v2="2026-01-05", v4="", v5="2026-01-01", v3="2026-01-09")
    assert _rolls_back(registry, "3") == "2"
    assert _rolls_back(registry, "2") == "5"
    assert _rolls_back(registry, "5") == ""


def test_rollback_after_a_rollback_and_a_release_skips_what_was_rolled_back() -> None:
    registry = _Registry(_Account(), v1="2026-01-01", v2="2026-01-02", v3="2026-01-03")
    assert _rolls_back(registry, "3") == "2"
    registry.metadata[f"{_GROUP}/4"] = {"served_at": "2999-01-01"}
    assert _rolls_back(registry, "4") == "2"


@pytest.mark.parametrize(
    ("unguarded", "set_to", "said"),
    [
        ("", ["d1"], ""),
        ("d0", ["d1"], ""),  # what an older return left
        (None, [], "an alarm that rings undoes this update: once it has ended, run the same"),
    ],
)
def test_rollback_lets_no_alarm_undo_it(
    capsys: pytest.CaptureFixture[str], unguarded: str | None, set_to: list[str], said: str
) -> None:
    registry = _Registry(_Account(), v2="2026-01-01", v3="2026-01-02")
    stack = _Serving(("UPDATE_COMPLETE",), serves=f"{_GROUP}/3", unguarded=unguarded)
    rollback(environment(sagemaker=registry, s3=_Account(), cloudformation=stack), every=0)
    assert stack.unguarded == set_to
    assert said in capsys.readouterr().out


def test_rollback_returns_to_the_version_that_is_named() -> None:
    registry = _Registry(_Account(), v1="2026-01-01 2026-01-05", v2="2026-01-04", v9="")
    assert _rolls_back(registry, "2", to="1") == "1"
    assert _rolls_back(registry, "", to="9") == "9"
    assert _rolls_back(registry, "9", to="base") == ""


@pytest.mark.parametrize(
    ("served", "to", "said"),
    [
        ("", "", "serves the base weights, so there is no earlier model: name the model"),
        ("9", "", "no release records when .*/9 began to be served: name the model"),
        ("9", "3", r"TO must be base or an approved version \(1, 9\), got '3'"),
        ("9", "9", "serves .*/9 already"),
    ],
)
def test_rollback_is_refused_when_nothing_says_where_to(served: str, to: str, said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        _rolls_back(_Registry(_Account(), v1="2026-01-01", v9=""), served, to=to)


def test_rollback_is_refused_when_the_previous_weights_were_changed() -> None:
    registry = _Registry(_Account(), v2="2026-01-01", v3="2026-01-02")
    account = _Account(stored={**_STORED, "w": (9, "x")})
    with pytest.raises(SystemExit, match=r"/2 are not as they were stored: 2 files, .* differ: w"):
        _rolls_back(registry, "3", account=account)


def test_rollback_of_an_environment_that_fine_tunes_nothing_says_what_to_deploy() -> None:
    stacks = Stacks({"Serving": {"EndpointName": "e"}}, ModelPackageArn="")
    with pytest.raises(
        SystemExit, match=r"prod has no stack Prod-Training, so .*: deploy the model"
    ):
        rollback(environment(cloudformation=stacks))


def test_rollback_is_refused_when_the_previous_package_is_of_another_server() -> None:
    vllm = "1.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.30.0"
    registry = _Registry(_Account(package_image=vllm), v2="2026-01-01", v3="2026-01-02")
    said = (
        r"/2 was registered for another server, .*/vllm:0\.30\.0, and the endpoint runs tgi: name"
    )
    with pytest.raises(SystemExit, match=said):
        _rolls_back(registry, "3")


class _Account:
    """What describes the endpoint of a stack whose template has one model and one config."""

    def __init__(
        self,
        *,
        model: str = "model/a",
        container: dict[str, Any] | None = None,
        package_image: str = _BASE["Image"],  # type: ignore[assignment] # is a text
        approval: str = "Approved",
        isolated: bool = True,
        stored: dict[str, tuple[int, str]] | None = None,
        inventory: bytes | None = _INVENTORY,
        environment: str = "tuned",
        instance_type: str = "ml.g5.2xlarge",
        policies: tuple[str, ...] = ("P",),
        config: bool = True,
        **metadata: str,
    ) -> None:
        self._model, self._container = model, container or dict(_BASE)
        self._package_image, self._approval = package_image, approval
        self._isolated, self._stored = isolated, _STORED if stored is None else stored
        self._inventory, self._environment = inventory, environment
        self._instance_type, self._policies, self._config = instance_type, policies, config
        self._metadata = metadata
        self.exceptions = SimpleNamespace(NoSuchKey=KeyError)

    def describe_endpoint(self, **_: str) -> dict[str, Any]:
        return {"EndpointStatus": "InService", "EndpointConfigName": "C"}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        if not self._config:
            raise refusal("ValidationException", "Could not find endpoint configuration")
        variant = {"InstanceType": self._instance_type, "ModelName": "A"}
        arn = f"{_ARN}:endpoint-config/c"
        return {"EndpointConfigArn": arn, "ProductionVariants": [variant]}

    def describe_scaling_policies(self, **asked: str) -> dict[str, Any]:
        resource = "endpoint/e/variant/AllTraffic"
        assert asked == {"ServiceNamespace": "sagemaker", "ResourceId": resource}
        return {"ScalingPolicies": [{"PolicyName": name} for name in self._policies]}

    def describe_model(self, **_: str) -> dict[str, Any]:
        return {
            "ModelArn": f"{_ARN}:{self._model}",
            "PrimaryContainer": self._container,
            "EnableNetworkIsolation": self._isolated,
        }

    def describe_model_package(self, **_: str) -> dict[str, Any]:
        weights = {"S3DataSource": {"S3Uri": "s3://artifacts/models/job/"}}
        container = {
            "Image": self._package_image,
            "Environment": {"A": self._environment},
            "ModelDataSource": weights,
        }
        return {
            "ModelApprovalStatus": self._approval,
            "InferenceSpecification": {"Containers": [container]},
            "CustomerMetadataProperties": {
                "inventory": "s3://artifacts/inventories/job.json",
                "inventory_sha256": hashlib.sha256(_INVENTORY).hexdigest(),
                "pipeline_execution": "arn:execution",
                **self._metadata,
            },
        }

    def describe_pipeline_execution(self, **_: str) -> dict[str, Any]:
        return {"CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::1:user/tuner"}}}

    def get_object(self, **asked: str) -> dict[str, Any]:
        assert asked == {"Bucket": "artifacts", "Key": "inventories/job.json"}
        if self._inventory is None:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self._inventory)}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=self._objects)

    def _objects(self, **asked: str) -> list[dict[str, Any]]:
        assert asked == {"Bucket": "artifacts", "Prefix": "models/job/"}
        contents = [
            {"Key": f"models/job/{name}", "Size": size, "ETag": f'"{etag}"'}
            for name, (size, etag) in self._stored.items()
        ]
        return [{"Contents": contents[:1]}, {"Contents": contents[1:]}, {}]


def _drift(account: _Account, package_arn: str = "", unguarded: str | None = "") -> None:
    clients: dict[str, Any] = {"application-autoscaling": account, "sagemaker": account}
    stack = _Serving(serves=package_arn, unguarded=unguarded)
    drift(environment(cloudformation=stack, s3=account, **clients))


@pytest.mark.parametrize(
    ("unguarded", "said"), [("d1", True), ("", False), ("d0", False), (None, False)]
)
def test_drift_says_when_what_serves_was_deployed_unguarded(
    capsys: pytest.CaptureFixture[str], unguarded: str | None, *, said: bool
) -> None:
    _drift(_Account(), unguarded=unguarded)
    assert ("deployed without its rollback alarms" in capsys.readouterr().out) is said


def test_drift_finds_none_when_the_base_weights_are_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _drift(_Account())
    assert "DRIFTED" not in capsys.readouterr().out


def test_drift_finds_none_when_the_package_is_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _drift(_Account(container=_SERVED), _PACKAGE)
    printed = capsys.readouterr().out
    assert "same    weights: 2 files as registered" in printed
    assert "started by arn:aws:iam::1:user/tuner" in printed
    assert "lowered" not in printed


def test_drift_says_when_the_gate_of_what_serves_was_lowered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = _Account(container=_SERVED, gate_lowered="min_loss_reduction was 0.001")
    _drift(account, _PACKAGE)
    assert "its gate was lowered: min_loss_reduction was 0.001" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("account", "package_arn", "subject"),
    [
        (_Account(model="model/b"), "", "model"),
        (_Account(config=False), "", "endpoint config"),
        (_Account(instance_type="ml.g6.2xlarge"), "", "instance type"),
        (_Account(policies=()), "", "scaling policy"),
        (_Account(container={**_BASE, "Environment": {"A": "2"}}), "", "environment"),
        (_Account(container={**_BASE, "Image": "x/tgi:3"}), "", "image"),
        (
            _Account(container={**_SERVED, "ModelPackageName": f"{_GROUP}/2"}),
            _PACKAGE,
            "model package",
        ),
        (_Account(container={**_SERVED, "Environment": {"A": "1"}}), _PACKAGE, "environment"),
        (_Account(container=_SERVED, package_image="x/tgi:0.9"), _PACKAGE, "image"),
        (_Account(container=_SERVED, approval="Rejected"), _PACKAGE, "approval"),
        (_Account(container=_SERVED, isolated=False), _PACKAGE, "network isolation"),
        (_Account(container=_SERVED, environment="other"), _PACKAGE, "package's environment"),
        *(
            (_Account(container=_SERVED, stored=stored), _PACKAGE, "weights")
            for stored in (
                {},
                {**_STORED, "w": (9, "x")},
                {**_STORED, "w": (8, "w")},
                {**_STORED, "new": (1, "n")},
            )
        ),
        (_Account(container=_SERVED, inventory=None), _PACKAGE, "weights"),
        (_Account(container=_SERVED, inventory=b'{"files":[]}'), _PACKAGE, "weights"),
    ],
)
def test_drift_is_found_and_named(
    capsys: pytest.CaptureFixture[str],
    account: _Account,
    package_arn: str,
    subject: str,
) -> None:
    with pytest.raises(SystemExit, match="does not serve what"):
        _drift(account, package_arn)
    drifted = [line for line in capsys.readouterr().out.splitlines() if "DRIFTED" in line]
    assert [line.split(":")[0] for line in drifted] == [f"DRIFTED {subject}"]


def _stack_event(token: str, status: str, kind: str = "CloudFormation::Stack") -> dict[str, str]:
    return {
        "ClientRequestToken": token,
        "ResourceType": f"AWS::{kind}",
        "LogicalResourceId": kind.rpartition(":")[2],
        "ResourceStatus": status,
        "ResourceStatusReason": "no capacity",
    }


class _Serving(Stacks):
    """CloudFormation whose serving stack was updated before.

    The events of an update come one by one; its first comes after a look that shows none.
    """

    def __init__(
        self, *events: tuple[str, ...], serves: str = "", unguarded: str | None = ""
    ) -> None:
        digest = {} if unguarded is None else {"EndpointDigest": "d1"}
        outputs = {
            "Serving": {"EndpointName": "e", "ServingImageTag": "tgi:1.1", **digest},
            "Training": {"ReleaseRoleArn": _ROLE, "ModelPackageGroupName": "g"},
        }
        values = {"ModelPackageArn": serves, "InstanceType": "ml.g5.2xlarge"}
        super().__init__(
            outputs, **values, **({} if unguarded is None else {"Unguarded": unguarded})
        )
        self._coming, self._events = list(events), [_stack_event("older", "UPDATE_COMPLETE")]
        self._token, self.unguarded = "", list[str | None]()
        self.served = serves

    def update_stack(self, **request: Any) -> None:
        assert request["RoleARN"] == _ROLE
        package, other, *rest = request["Parameters"]
        assert other == {"ParameterKey": "InstanceType", "UsePreviousValue": True}
        assert package["ParameterKey"] == "ModelPackageArn"
        self._token, self.served = request["ClientRequestToken"], package["ParameterValue"]
        self.unguarded = [each.get("ParameterValue") for each in rest]

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        answer = {"StackEvents": list(self._events)}
        if self._coming:
            self._events.insert(0, _stack_event(self._token, *self._coming.pop(0)))
        return answer

    def get_template(self, **_: str) -> dict[str, Any]:
        model = {"PrimaryContainer": {"Fn::If": ["Base", _BASE, _RELEASED]}}
        policy = "AWS::ApplicationAutoScaling::ScalingPolicy"
        return {
            "TemplateBody": {
                "Resources": {
                    "M": {"Type": "AWS::SageMaker::Model", "Properties": model},
                    "P": {"Type": policy, "Properties": {"PolicyName": "P"}},
                }
            }
        }

    def describe_stack_resources(self, **_: str) -> dict[str, Any]:
        ids = {"Model": f"{_ARN}:model/a", "EndpointConfig": f"{_ARN}:endpoint-config/c"}
        return {
            "StackResources": [
                {"ResourceType": f"AWS::SageMaker::{kind}", "PhysicalResourceId": physical_id}
                for kind, physical_id in ids.items()
            ]
        }


def _serve(stack: _Serving) -> None:
    serve_package(environment(cloudformation=stack), _PACKAGE, every=0)


def test_update_is_watched_to_its_own_end_and_not_to_that_of_the_one_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _serve(_Serving(("UPDATE_IN_PROGRESS",), ("UPDATE_COMPLETE",)))
    printed = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_failed_update_is_told_with_its_first_cause() -> None:
    stack = _Serving(
        ("UPDATE_IN_PROGRESS",),
        ("UPDATE_FAILED", "SageMaker::Endpoint"),
        ("UPDATE_ROLLBACK_COMPLETE",),
    )
    with pytest.raises(SystemExit, match="UPDATE_ROLLBACK_COMPLETE: Endpoint: no capacity"):
        _serve(stack)


def test_an_update_whose_end_no_event_tells_ends_with_the_status_of_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = _Serving(("UPDATE_IN_PROGRESS",))
    monkeypatch.setattr(stack, "_status", "UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(SystemExit, match="not changed, UPDATE_ROLLBACK_COMPLETE: see the stack's"):
        _serve(stack)


@pytest.mark.parametrize(
    "error",
    [refusal("ExpiredToken"), refusal("RequestExpired"), UnauthorizedSSOTokenError()],
    ids=lambda error: type(error).__name__,
)
def test_watching_an_update_ends_with_its_own_code_when_the_credentials_expire(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = _Serving(("UPDATE_IN_PROGRESS",))

    def expired(**_: str) -> None:
        raise error

    monkeypatch.setattr(stack, "describe_stack_events", expired)
    with pytest.raises(SystemExit) as ended:
        _serve(stack)
    assert ended.value.code == GOES_ON
    assert "the update of Prod-Serving goes on in AWS" in capsys.readouterr().err


def test_other_refusals_while_watching_are_not_taken_for_expired_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = _Serving()

    def denied(**_: str) -> None:
        raise refusal("AccessDenied")

    monkeypatch.setattr(stack, "describe_stack_events", denied)
    with pytest.raises(ClientError, match="AccessDenied"):
        _serve(stack)


@pytest.mark.parametrize(
    "text", [*OTHER_JSON, '{"files": 7}', '{"files": [["w"]]}'], ids=lambda text: text[:40]
)
def test_an_inventory_of_another_form_is_named(text: str) -> None:
    content = text.encode()
    known = {
        "inventory": "s3://artifacts/inventories/job.json",
        "inventory_sha256": hashlib.sha256(content).hexdigest(),
    }
    said = registered_files(_Account(container=_SERVED, inventory=content), known)
    assert str(said).startswith("s3://artifacts/inventories/job.json must be an inventory of files")
