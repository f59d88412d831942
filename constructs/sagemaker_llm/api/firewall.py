"""The web ACL of the API: it blocks floods and known bad addresses before API Gateway."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import aws_cdk.aws_apigateway as apigateway
import aws_cdk.aws_wafv2 as wafv2
from constructs import Construct

from allowed_values.rules import Range
from invoke_proxy.http.cors import gateway_cors_headers
from invoke_proxy.http.errors import ProxyError, gateway_error_body
from sagemaker_llm.models.checked import Checked

_TOO_MANY = ProxyError("address_rate_limit_exceeded")

# The window that the limit of an address counts in.
WINDOW_SECONDS = 300

# The rules that look into the body. A prompt may be long, and may well hold a script, a path, a URL
# or an exploit that someone asks about: these rules count what they find, and block nothing. So it
# does not matter either that WAF sees the first 16 KB of a body only.
_COMMON_BODY_RULES = (
    "SizeRestrictions_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "CrossSiteScripting_BODY",
)
_KNOWN_BAD_BODY_RULES = ("JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY")


@dataclass(frozen=True, kw_only=True)
class Firewall(Checked):
    """The limit for one address, in requests within five minutes; None: from the fastest caller."""

    # WAF's own bounds.
    requests_per_address: Annotated[int, Range(at_least=10, at_most=2_000_000_000)] | None = None


class WebFirewall(Construct):
    """Owns the web ACL of one API stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        requests_per_address: int,
        cors_origins: Sequence[str],
        stage: apigateway.Stage,
    ) -> None:
        super().__init__(scope, construct_id)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("Api"),
            custom_response_bodies={
                _TOO_MANY.code: wafv2.CfnWebACL.CustomResponseBodyProperty(
                    content_type="APPLICATION_JSON",
                    content=gateway_error_body(_TOO_MANY).decode(),
                )
            },
            rules=[
                _rule(
                    0, "RatePerAddress", _rate(requests_per_address), block=_too_many(cors_origins)
                ),
                _rule(1, "AddressReputation", _managed("AWSManagedRulesAmazonIpReputationList")),
                _rule(
                    2, "CommonRules", _managed("AWSManagedRulesCommonRuleSet", _COMMON_BODY_RULES)
                ),
                _rule(
                    3,
                    "KnownBadInputs",
                    _managed("AWSManagedRulesKnownBadInputsRuleSet", _KNOWN_BAD_BODY_RULES),
                ),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn
        )


def _rule(
    priority: int,
    name: str,
    statement: wafv2.CfnWebACL.StatementProperty,
    *,
    block: wafv2.CfnWebACL.BlockActionProperty | None = None,
) -> wafv2.CfnWebACL.RuleProperty:
    # A group of rules brings its own actions: then they are left as they are.
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=statement,
        action=wafv2.CfnWebACL.RuleActionProperty(block=block) if block else None,
        override_action=None if block else wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visible(name),
    )


def _too_many(cors_origins: Sequence[str]) -> wafv2.CfnWebACL.BlockActionProperty:
    """Answer as API Gateway does when it throttles a key: clients know how to retry."""
    headers = [
        wafv2.CfnWebACL.CustomHTTPHeaderProperty(name=name, value=value)
        for name, value in (_TOO_MANY.kind.headers | gateway_cors_headers(cors_origins)).items()
    ]
    return wafv2.CfnWebACL.BlockActionProperty(
        custom_response=wafv2.CfnWebACL.CustomResponseProperty(
            response_code=_TOO_MANY.kind.status,
            custom_response_body_key=_TOO_MANY.code,
            response_headers=headers,
        )
    )


def _rate(requests_per_address: int) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(
        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
            aggregate_key_type="IP",
            limit=requests_per_address,
            evaluation_window_sec=WINDOW_SECONDS,
        )
    )


def _managed(group: str, counted: tuple[str, ...] = ()) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(
        managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
            vendor_name="AWS",
            name=group,
            rule_action_overrides=[
                wafv2.CfnWebACL.RuleActionOverrideProperty(
                    name=name, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                )
                for name in counted
            ]
            or None,
        )
    )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        # A sample would hold the request's headers, and with them its key.
        sampled_requests_enabled=False,
    )
