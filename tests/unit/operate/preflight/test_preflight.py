"""The table as a whole: what is asked, what a denied call becomes, and the exit codes."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
import app
from operate.environment import Environment
from operate.preflight import prices
from operate.preflight.declaration import plan_of
from operate.preflight.plan import Plan, QuotaNeed
from operate.preflight.preflight import preflight, rows_of
from operate.preflight.prices import cost
from operate.preflight.row import Verdict
from sagemaker_llm import VLLM_IMAGE, Adapter, Approval, ManagedInstances, Vllm, find_model
from stacks import environments
from tests.unit.operate.preflight.examples import ACCOUNT, REGION, plan


class _Denying:
    """An account that denies every call but one, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def client(self, service: str) -> Any:
        key = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
        made = boto3.client(service, region_name=REGION, **key)
        made.meta.events.register("before-call", self._answer)
        return made

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked.append(model.name)
        if model.name == "GetCallerIdentity":
            return SimpleNamespace(status_code=200), {"Account": ACCOUNT}
        error = {"Code": "AccessDenied", "Message": "not authorized"}
        return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {}}


def _exit(found: Plan, account: _Denying) -> object:
    environment = Environment("dev", account.client)
    with pytest.raises(SystemExit) as ended:
        preflight(environment, lambda *_place: found)
    return ended.value.code


def test_denied_call_leaves_its_row_unknown_and_the_others_are_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _exit(plan(), _Denying()) == 3
    lines = capsys.readouterr().out.splitlines()
    verdicts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert verdicts == ["OK", *["UNKNOWN"] * 13, "OK"]
    assert "        -> allow the caller GetParameter, or check it by hand" in lines


def test_every_call_only_reads() -> None:
    account = _Denying()
    _exit(plan(), account)
    _exit(plan(staged=True), account)
    assert len(set(account.asked)) > 10
    for operation in account.asked:
        assert operation.startswith(("Get", "List", "Describe", "BatchGet")), operation


def test_row_that_fails_fails_the_whole() -> None:
    elsewhere = plan(configured=("222222222222", REGION))
    assert _exit(elsewhere, _Denying()) == "dev is not ready: follow the rows marked FAIL"


def test_nothing_is_asked_of_a_wrong_account() -> None:
    (row,) = rows_of(plan(configured=("222222222222", REGION)), _Denying().client)
    assert row.verdict is Verdict.FAIL


def test_plan_of_an_environment_adds_up_those_of_its_account_and_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, account in (("DEV", ACCOUNT), ("STAGING", ACCOUNT), ("PROD", "222222222222")):
        monkeypatch.setenv(f"{name}_ACCOUNT", account)
        monkeypatch.setenv(f"{name}_REGION", REGION)
    found = plan_of("dev", ACCOUNT, REGION)
    assert {need.name: dict(need.by) for need in found.quotas} == {
        "ml.g5.2xlarge for endpoint usage": {"dev": 2, "staging": 4},
        "ml.g5.12xlarge for training job usage": {"dev": 1, "staging": 1},
        "ml.g5.2xlarge for processing job usage": {"dev": 1, "staging": 1},
        "ml.m5.large for processing job usage": {"dev": 1, "staging": 1},
    }
    assert found.reserved_executions == {"dev": 0, "staging": 97}


_TRAINING_QUOTAS = (
    "ml.g5.12xlarge for training job usage",
    "ml.g5.2xlarge for processing job usage",
    "ml.m5.large for processing job usage",
)


def test_environment_that_is_not_placed_is_planned_where_the_caller_is() -> None:
    found = plan_of("prod", ACCOUNT, REGION)
    assert (found.configured, found.region) == ((None, None), REGION)
    assert [need.by for need in found.quotas[:1]] == [{"prod": 5}]
    assert found.reserved_executions == {"prod": 172}


def test_managed_proxy_needs_the_cpus_of_two_versions_and_reserves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = environments.prod(account=None, region=None)
    api = replace(declared.api, hosting=ManagedInstances(max_environments=6))
    monkeypatch.setattr(environments, "prod", lambda **_: replace(declared, api=api))
    found = plan_of("prod", ACCOUNT, REGION)
    cpus = QuotaNeed(
        name="Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        by={"prod": 24},
        service="ec2",
    )
    assert found.quotas[-1] == cpus
    assert found.reserved_executions == {"prod": 52}  # the authorizer's, and the releases'


def test_environment_on_a_cpu_needs_gpus_and_other_weights_where_it_tunes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = plan_of("cpu", ACCOUNT, REGION)
    serving = "ml.c7g.2xlarge for endpoint usage"
    assert [need.name for need in found.quotas] == [serving, *_TRAINING_QUOTAS]
    assert found.stacks == ("Cpu-Weights", "Cpu-Serving", "Cpu-Api", "Cpu-Training")
    assert (found.staged, found.weights, found.reserved_executions) == (True, None, {"cpu": 0})
    assert found.tuned_from == plan_of("dev", ACCOUNT, REGION).weights
    assert prices.cost(found).verdict is Verdict.UNKNOWN

    without = replace(environments.cpu(account=ACCOUNT, region=REGION), tuning=None)
    monkeypatch.setattr(app, "declared", lambda: {"Cpu": lambda: without})
    found = plan_of("cpu", ACCOUNT, REGION)
    assert [need.name for need in found.quotas] == [serving]
    assert [image.repository for image in found.images] == ["llama-cpp-arm64"]
    assert (found.pipeline, found.tuned_from) == (None, None)


def test_region_that_cannot_serve_is_said_at_once() -> None:
    with pytest.raises(SystemExit, match="dev cannot be deployed to nowhere-1: region must be"):
        plan_of("dev", ACCOUNT, "nowhere-1")


def test_plan_of_another_server_names_its_image_and_its_instances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    support = Adapter(name="support", artifact="s3://mine/support/2.tar.gz", rank=16)
    server = Vllm(adapters=(support,))
    dev = environments.dev(account=ACCOUNT, region=REGION)
    assert dev.tuning
    declared = replace(
        dev,
        model=find_model("mistral-7b-instruct").served_by(server, window=32_768),
        tuning=replace(dev.tuning, approval=Approval.PENDING),
        instance_type="ml.g6.xlarge",
        sizing=None,
    )
    monkeypatch.setattr(app, "declared", lambda: {"Dev": lambda: declared})
    found = plan_of("dev", ACCOUNT, REGION)
    serving, _ = found.images
    assert (serving.repository, serving.tag) == (VLLM_IMAGE.repository, VLLM_IMAGE.tag)
    assert found.archives == (("support", "mine", "support/2.tar.gz"),)
    assert "ml.g6.xlarge" in found.instance_types
    assert "ml.g6.xlarge for endpoint usage" in {need.name for need in found.quotas}
    price = cost(found)
    assert (price.verdict, price.found) == (
        Verdict.UNKNOWN,
        "the price of ml.g6.xlarge is unknown",
    )
