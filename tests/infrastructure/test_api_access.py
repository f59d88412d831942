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

_PLACE = cdk.Environment(account="333333333333", region="ap-southeast-3")


def _api_template(**changes: Any) -> Template:
    """The API stack of prod with other settings."""
    prod = environments.prod(account=_PLACE.account, region=_PLACE.region)
    api = dataclasses.replace(prod.api, **changes)
    stage = cdk.Stage(cdk.App(), "Prod", env=_PLACE)
    return Template.from_stack(_api_stack(stage, dataclasses.replace(prod, api=api, sizing=None)))


def _api_stack(stage: cdk.Stage, environment: environments.Environment) -> cdk.Stack:
    """The stack of the API, with the one that it needs."""
    serving = ServingStack(stage, "Serving", environment=environment, weights_bucket=None)
    return ApiStack(stage, "Api", environment=environment, published=serving.published)


@pytest.fixture(scope="module", name="by_iam")
def _by_iam() -> Template:
    return _api_template(authentication=Authentication.IAM, clients=())


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


def test_iam_callers_share_a_limit() -> None:
    template = _api_template(
        authentication=Authentication.IAM, clients=(), iam_limit=Limit(rate=7, burst=9)
    )
    (stage,) = template.find_resources("AWS::ApiGateway::Stage").values()
    (limit,) = (
        setting
        for setting in stage["Properties"]["MethodSettings"]
        if (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    )
    assert (limit["ThrottlingRateLimit"], limit["ThrottlingBurstLimit"]) == (7, 9)


def test_iam_authentication_passes_the_security_rules_and_cfn_lint(tmp_path: Path) -> None:
    app = cdk.App(
        outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    prod = environments.prod(account=_PLACE.account, region=_PLACE.region)
    api = ApiSettings(authentication=Authentication.IAM, firewall=Firewall())
    boundary = cdk.PermissionsBoundary.from_name("ProdBoundary")
    stage = cdk.Stage(app, "Prod", env=_PLACE, permissions_boundary=boundary)
    _api_stack(stage, dataclasses.replace(prod, api=api, sizing=None))
    app.synth()
    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    assert [report["violations"] for report in reports] == [[]] * len(reports)
    (template,) = tmp_path.glob("assembly-*/*Api*.template.json")
    assert findings([template]) == []


def test_a_client_that_is_taken_out_loses_its_key_and_no_other_does() -> None:
    def client(name: str) -> Client:
        return Client(name=name, rate_limit=1, burst_limit=2, daily_quota=3)

    both = _api_template(clients=(client("Kept"), client("Gone")))
    one = _api_template(clients=(client("Kept"),))
    for kind in ("ApiKey", "UsagePlan", "UsagePlanKey"):
        before = both.find_resources(f"AWS::ApiGateway::{kind}").keys()
        after = one.find_resources(f"AWS::ApiGateway::{kind}").keys()
        (gone,) = before - after
        assert after < before
        assert "Gone" in gone


def test_iam_authentication_has_no_keys_and_no_authorizer(by_iam: Template) -> None:
    for kind in ("Authorizer", "ApiKey", "UsagePlan"):
        by_iam.resource_count_is(f"AWS::ApiGateway::{kind}", 0)


def test_firewall_limits_an_address_and_lets_long_prompts_pass() -> None:
    template = _api_template(firewall=Firewall(requests_per_address=7_000))
    rate = {
        "RateBasedStatement": {
            "AggregateKeyType": "IP",
            "EvaluationWindowSec": 300,
            "Limit": 7_000,
        }
    }
    template.has_resource_properties(
        "AWS::WAFv2::WebACL",
        {
            "DefaultAction": {"Allow": {}},
            "Rules": Match.array_with(
                [Match.object_like({"Action": {"Block": Match.any_value()}, "Statement": rate})]
            ),
        },
    )
    (acl,) = template.find_resources("AWS::WAFv2::WebACL").values()
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
    template.resource_count_is("AWS::WAFv2::WebACLAssociation", 1)


def test_firewall_tells_a_fast_address_to_wait_in_openais_shape() -> None:
    (acl,) = _api_template(firewall=Firewall()).find_resources("AWS::WAFv2::WebACL").values()
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


def test_without_a_firewall_there_is_no_web_acl() -> None:
    _api_template(firewall=None).resource_count_is("AWS::WAFv2::WebACL", 0)


def test_settings_default_to_keys() -> None:
    demo = environments.prod(account=None, region=None).api.clients
    assert ApiSettings(clients=demo).authentication is Authentication.KEYS


_ORIGINS = ("https://app.example.com", "http://localhost:3000")
_ALLOW_ORIGIN = "gatewayresponse.header.Access-Control-Allow-Origin"


@pytest.fixture(scope="module", name="cross_origin")
def _cross_origin() -> Template:
    return _api_template(cors_origins=_ORIGINS)


def test_every_route_answers_preflights_without_a_key_where_origins_are_listed(
    cross_origin: Template,
) -> None:
    methods = [
        method["Properties"]
        for method in cross_origin.find_resources("AWS::ApiGateway::Method").values()
    ]
    preflights = [method for method in methods if method["HttpMethod"] == "OPTIONS"]
    assert {json.dumps(each["ResourceId"]) for each in methods} == {
        json.dumps(each["ResourceId"]) for each in preflights
    }
    for preflight in preflights:
        assert preflight["AuthorizationType"] == "NONE"
        assert not preflight.get("ApiKeyRequired")
        assert preflight["Integration"]["ResponseTransferMode"] == "STREAM"
    (stage,) = cross_origin.find_resources("AWS::ApiGateway::Stage").values()
    throttled = [
        each["ResourcePath"]
        for each in stage["Properties"]["MethodSettings"]
        if each["HttpMethod"] == "OPTIONS" and each["ThrottlingRateLimit"] > 0
    ]
    assert len(throttled) == len(preflights)


def test_proxy_and_refusals_name_the_origins(cross_origin: Template) -> None:
    cross_origin.has_resource_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": Match.object_like({"CORS_ORIGINS": ",".join(_ORIGINS)})}},
    )
    for refusal in cross_origin.find_resources("AWS::ApiGateway::GatewayResponse").values():
        assert refusal["Properties"]["ResponseParameters"][_ALLOW_ORIGIN] == "'*'"
    (acl,) = cross_origin.find_resources("AWS::WAFv2::WebACL").values()
    assert "Access-Control-Allow-Origin" in json.dumps(acl)


def test_no_page_may_call_unless_origins_are_listed(by_iam: Template) -> None:
    template = json.dumps(by_iam.to_json())
    assert not [word for word in ("OPTIONS", "Access-Control", "CORS_") if word in template]
