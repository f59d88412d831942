"""Who gets in, by configuration: keys or IAM, with a firewall or without."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import ApiSettings, Authentication, Client, Firewall, Limit
from stacks import environments
from stacks.api_stack import ApiStack
from stacks.serving_stack import ServingStack
from tests.infrastructure.assembly import refusal_of
from tests.infrastructure.cfn_lint import findings

_ORIGINS = ("https://app.example.com", "http://localhost:3000")
_ALLOW_ORIGIN = "gatewayresponse.header.Access-Control-Allow-Origin"
_PLACE = cdk.Environment(account="333333333333", region="ap-southeast-3")


def _api_template(**changes: Any) -> Template:
    """The API stack of prod with other settings."""
    return Template.from_stack(_api_stack(cdk.Stage(cdk.App(), "Prod", env=_PLACE), **changes))


def _api_stack(stage: cdk.Stage, **changes: Any) -> cdk.Stack:
    """The stack of the API, with the one that it needs."""
    prod = environments.prod(account=_PLACE.account, region=_PLACE.region)
    api = dataclasses.replace(prod.api, **changes)
    environment = dataclasses.replace(prod, api=api, sizing=None)
    serving = ServingStack(stage, "Serving", environment=environment, weights_bucket=None)
    return ApiStack(stage, "Api", environment=environment, published=serving.published)


def _client(name: str) -> Client:
    return Client(name=name, rate_limit=1, burst_limit=2, daily_quota=3)


# A template takes seconds, so each of these three has several settings that are not the default.


@pytest.fixture(scope="module")
def iam_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prod with IAM authentication and a limit, with synth's security rules."""
    folder = tmp_path_factory.mktemp("iam")
    app = cdk.App(
        outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    boundary = cdk.PermissionsBoundary.from_name("ProdBoundary")
    stage = cdk.Stage(app, "Prod", env=_PLACE, permissions_boundary=boundary)
    limit = Limit(rate=7, burst=9)
    by_iam = {"authentication": Authentication.IAM, "clients": (), "iam_limit": limit}
    _api_stack(stage, **by_iam, firewall=Firewall())
    app.synth()
    return folder


@pytest.fixture(scope="module")
def iam_file(iam_folder: Path) -> Path:
    (template,) = iam_folder.glob("assembly-*/*Api*.template.json")
    return template


@pytest.fixture(scope="module", name="by_iam")
def _by_iam(iam_file: Path) -> Template:
    return Template.from_string(iam_file.read_text())


@pytest.fixture(scope="module", name="two_clients")
def _two_clients() -> Template:
    """With two clients, two origins, and a firewall's own limit."""
    return _api_template(
        clients=(_client("Kept"), _client("Gone")),
        cors_origins=_ORIGINS,
        firewall=Firewall(requests_per_address=7_000),
    )


@pytest.fixture(scope="module", name="one_client")
def _one_client() -> Template:
    """With one client, and no firewall."""
    return _api_template(clients=(_client("Kept"),), firewall=None)


def test_iam_authentication_signs_every_guarded_route(by_iam: Template) -> None:
    methods = by_iam.find_resources("AWS::ApiGateway::Method").values()
    kinds = [method["Properties"]["AuthorizationType"] for method in methods]
    assert sorted(set(kinds)) == ["AWS_IAM", "NONE"]
    assert kinds.count("NONE") == 2  # health, with GET and HEAD
    assert not any(method["Properties"].get("ApiKeyRequired") for method in methods)


def test_iam_authentication_speaks_of_signatures_and_not_of_keys(by_iam: Template) -> None:
    refusals = {
        response["Properties"]["ResponseType"]: refusal_of(response["Properties"])
        for response in by_iam.find_resources("AWS::ApiGateway::GatewayResponse").values()
    }
    for refusal in (
        "MISSING_AUTHENTICATION_TOKEN",
        "INVALID_SIGNATURE",
        "EXPIRED_TOKEN",
        "DEFAULT_4XX",
    ):
        assert refusals[refusal]["code"] == "invalid_signature"
    assert refusals["ACCESS_DENIED"]["code"] == "access_denied"
    let_in = {
        name: refusals[name] for name in refusals if name not in {"THROTTLED", "QUOTA_EXCEEDED"}
    }
    assert not any("key" in error["message"] for error in let_in.values())


def test_iam_callers_share_a_limit(by_iam: Template) -> None:
    (stage,) = by_iam.find_resources("AWS::ApiGateway::Stage").values()
    (limit,) = (
        setting
        for setting in stage["Properties"]["MethodSettings"]
        if (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    )
    assert (limit["ThrottlingRateLimit"], limit["ThrottlingBurstLimit"]) == (7, 9)


def test_iam_authentication_passes_the_security_rules_and_cfn_lint(
    iam_folder: Path, iam_file: Path
) -> None:
    reports = json.loads((iam_folder / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports] == [[]] * len(reports)
    assert findings([iam_file]) == []


def test_a_client_that_is_taken_out_loses_its_key_and_no_other_does(
    two_clients: Template, one_client: Template
) -> None:
    for kind in ("ApiKey", "UsagePlan", "UsagePlanKey"):
        before = two_clients.find_resources(f"AWS::ApiGateway::{kind}").keys()
        after = one_client.find_resources(f"AWS::ApiGateway::{kind}").keys()
        (gone,) = before - after
        assert after < before
        assert "Gone" in gone


def test_iam_authentication_has_no_keys_and_no_authorizer(by_iam: Template) -> None:
    for kind in ("Authorizer", "ApiKey", "UsagePlan"):
        by_iam.resource_count_is(f"AWS::ApiGateway::{kind}", 0)


def test_firewall_limits_an_address_and_lets_long_prompts_pass(two_clients: Template) -> None:
    rate = {
        "RateBasedStatement": {
            "AggregateKeyType": "IP",
            "EvaluationWindowSec": 300,
            "Limit": 7_000,
        }
    }
    two_clients.has_resource_properties(
        "AWS::WAFv2::WebACL",
        {
            "DefaultAction": {"Allow": {}},
            "Rules": Match.array_with(
                [Match.object_like({"Action": {"Block": Match.any_value()}, "Statement": rate})]
            ),
        },
    )
    (acl,) = two_clients.find_resources("AWS::WAFv2::WebACL").values()
    groups = [
        rule["Statement"]["ManagedRuleGroupStatement"]
        for rule in acl["Properties"]["Rules"]
        if "ManagedRuleGroupStatement" in rule["Statement"]
    ]
    assert [group["Name"] for group in groups] == [
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    ]
    for group, rule in zip(groups[1:], ("SizeRestrictions_BODY", "Log4JRCE_BODY"), strict=True):
        counted = {o["Name"]: o["ActionToUse"] for o in group["RuleActionOverrides"]}
        assert counted[rule] == {"Count": {}}
        assert all(name.endswith("_BODY") for name in counted)
    two_clients.resource_count_is("AWS::WAFv2::WebACLAssociation", 1)


def test_firewall_tells_a_fast_address_to_wait_in_openais_shape(by_iam: Template) -> None:
    (acl,) = by_iam.find_resources("AWS::WAFv2::WebACL").values()
    (refusal,) = (
        rule["Action"]["Block"]["CustomResponse"]
        for rule in acl["Properties"]["Rules"]
        if "Action" in rule
    )
    assert refusal["ResponseCode"] == 429
    assert refusal["ResponseHeaders"] == [{"Name": "Retry-After", "Value": "60"}]
    body = acl["Properties"]["CustomResponseBodies"][refusal["CustomResponseBodyKey"]]
    assert body["ContentType"] == "APPLICATION_JSON"
    assert json.loads(body["Content"])["error"]["code"] == "address_rate_limit_exceeded"


def test_without_a_firewall_there_is_no_web_acl(one_client: Template) -> None:
    one_client.resource_count_is("AWS::WAFv2::WebACL", 0)


def test_settings_default_to_keys() -> None:
    demo = environments.prod(account=None, region=None).api.clients
    assert ApiSettings(clients=demo).authentication is Authentication.KEYS


def test_every_route_answers_preflights_without_a_key_where_origins_are_listed(
    two_clients: Template,
) -> None:
    methods = [
        method["Properties"]
        for method in two_clients.find_resources("AWS::ApiGateway::Method").values()
    ]
    preflights = [method for method in methods if method["HttpMethod"] == "OPTIONS"]
    assert {json.dumps(each["ResourceId"]) for each in methods} == {
        json.dumps(each["ResourceId"]) for each in preflights
    }
    for preflight in preflights:
        assert preflight["AuthorizationType"] == "NONE"
        assert not preflight.get("ApiKeyRequired")
        assert preflight["Integration"]["ResponseTransferMode"] == "STREAM"
    (stage,) = two_clients.find_resources("AWS::ApiGateway::Stage").values()
    throttled = [
        each["ResourcePath"]
        for each in stage["Properties"]["MethodSettings"]
        if each["HttpMethod"] == "OPTIONS" and each["ThrottlingRateLimit"] > 0
    ]
    assert len(throttled) == len(preflights)


def test_proxy_and_refusals_name_the_origins(two_clients: Template) -> None:
    two_clients.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"CORS_ORIGINS": ",".join(_ORIGINS)})}},
    )
    for refusal in two_clients.find_resources("AWS::ApiGateway::GatewayResponse").values():
        assert refusal["Properties"]["ResponseParameters"][_ALLOW_ORIGIN] == "'*'"
    (acl,) = two_clients.find_resources("AWS::WAFv2::WebACL").values()
    assert "Access-Control-Allow-Origin" in json.dumps(acl)


def test_no_page_may_call_unless_origins_are_listed(by_iam: Template) -> None:
    template = json.dumps(by_iam.to_json())
    assert not [word for word in ("OPTIONS", "Access-Control", "CORS_") if word in template]
