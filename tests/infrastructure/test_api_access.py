"""Who gets in, by configuration: keys or IAM, with a firewall or without."""

import dataclasses
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template

from sagemaker_llm import ApiSettings, Authentication, Firewall
from stacks import environments
from stacks.stage import LlmStage


def _api_template(**changes: Any) -> Template:
    """The API stack of prod with other settings."""
    prod = environments.prod(account=None, region=None)
    api = dataclasses.replace(prod.api, **changes)
    stage = LlmStage(cdk.App(), "Prod", environment=dataclasses.replace(prod, api=api))
    stack = stage.node.find_child("Api")
    assert isinstance(stack, cdk.Stack)
    return Template.from_stack(stack)


@pytest.fixture(scope="module", name="by_iam")
def _by_iam() -> Template:
    return _api_template(authentication=Authentication.IAM, clients=())


def test_iam_authentication_signs_every_guarded_route(by_iam: Template) -> None:
    methods = by_iam.find_resources("AWS::ApiGateway::Method").values()
    kinds = [method["Properties"]["AuthorizationType"] for method in methods]
    assert sorted(set(kinds)) == ["AWS_IAM", "NONE"]
    assert kinds.count("NONE") == 1  # health
    assert not any(method["Properties"].get("ApiKeyRequired") for method in methods)


def test_iam_authentication_has_no_keys_and_no_authorizer(by_iam: Template) -> None:
    for kind in ("Authorizer", "ApiKey", "UsagePlan"):
        by_iam.resource_count_is(f"AWS::ApiGateway::{kind}", 0)


def test_firewall_limits_an_address_and_lets_long_prompts_pass() -> None:
    template = _api_template(firewall=Firewall(requests_per_address=500))
    rate = {"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": 500}}
    template.has_resource_properties(
        "AWS::WAFv2::WebACL",
        {
            "DefaultAction": {"Allow": {}},
            "Rules": Match.array_with(
                [Match.object_like({"Action": {"Block": {}}, "Statement": rate})]
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
    ]
    counted = {o["Name"]: o["ActionToUse"] for o in groups[1]["RuleActionOverrides"]}
    assert counted["SizeRestrictions_BODY"] == {"Count": {}}
    assert all(name.endswith("_BODY") for name in counted)
    template.resource_count_is("AWS::WAFv2::WebACLAssociation", 1)


def test_without_a_firewall_there_is_no_web_acl() -> None:
    _api_template(firewall=None).resource_count_is("AWS::WAFv2::WebACL", 0)


def test_settings_default_to_keys() -> None:
    demo = environments.prod(account=None, region=None).api.clients
    assert ApiSettings(clients=demo).authentication is Authentication.KEYS
