"""An environment that tracks work: the policies that scale it, and what its proxy publishes."""

import dataclasses
import json

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import InvokeApi, LlmEndpoint, Sizing, TargetTracking, Tracked, find_model
from stacks import loads
from tests.infrastructure.assembly import Template
from tests.infrastructure.cfn_lint import findings
from tests.infrastructure.reviewed import check_reviewed

_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


@pytest.fixture(name="sizing", scope="module")
def _sizing() -> Sizing:
    return Sizing(dataclasses.replace(loads.prod().load, tracked=Tracked.WORK))


@pytest.fixture(name="template", scope="module")
def _template(
    sizing: Sizing,
    tmp_path_factory: pytest.TempPathFactory,
    built_functions: None,  # noqa: ARG001 - synth packages them
) -> Template:
    """An endpoint and its API in one stack, with synth's validators."""
    folder = tmp_path_factory.mktemp("work")
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = cdk.Stack(app, "Work", env=cdk.Environment(account="111111111111", region="eu-west-1"))
    model = find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests)
    endpoint = LlmEndpoint(stack, "Llm", model=model, scaling=TargetTracking.sized(sizing))
    InvokeApi(stack, "Api", endpoint=endpoint, sizing=sizing)
    app.synth()
    path = folder / "Work.template.json"
    return Template("Work", path, json.loads(path.read_text()))


def _policies(template: Template) -> dict[str, dict[str, object]]:
    found = template.resources(_POLICY).values()
    return {
        each["Properties"]["PolicyName"]: each["Properties"][
            "TargetTrackingScalingPolicyConfiguration"
        ]
        for each in found
    }


def test_work_is_tracked_and_concurrency_guards_above_it(
    template: Template, sizing: Sizing
) -> None:
    policies = _policies(template)
    assert policies.keys() == {"ConcurrentRequestsPerModel", "WorkPerInstance"}
    guard, work = policies["ConcurrentRequestsPerModel"], policies["WorkPerInstance"]
    assert guard["TargetValue"] == sizing.target_concurrent_requests > sizing.concurrency_alarm
    assert work["TargetValue"] == sizing.target_work_milliseconds


def test_metric_is_spelled_as_application_auto_scaling_has_it(
    template: Template, pytestconfig: pytest.Config
) -> None:
    check_reviewed("work", "policies", _policies(template), pytestconfig)


def test_proxy_publishes_the_work_of_the_profile(template: Template, sizing: Sizing) -> None:
    proxies = assertions.Template.from_string(json.dumps(template.body)).find_resources(
        "AWS::Lambda::Function", {"Properties": {"Handler": "run.sh"}}
    )
    (proxy,) = proxies.values()
    variables = proxy["Properties"]["Environment"]["Variables"]
    service = sizing.demand.service
    assert json.loads(variables["WORK"]) == {
        "per_request": pytest.approx(service.per_request),
        "per_word": pytest.approx(service.per_word),
        "per_word_squared": pytest.approx(service.per_word_squared, rel=1e-3),
    }
    assert variables["RETRY_AFTER_SECONDS"] == str(sizing.retry_after_seconds)


def test_template_passes_the_schemas_and_the_security_rules(template: Template) -> None:
    reports = json.loads((template.path.parent / "validation-report.json").read_text())
    assert not [each for each in reports["pluginReports"] if each["violations"]]
    assert findings([template.path]) == []
