"""How resources have to do with each other: by their properties, and by what their roles may."""

from collections.abc import Iterator
from typing import NamedTuple

from .templates import Json, Resource, Templates


class Relation(NamedTuple):
    """One resource does something to another."""

    source: Resource
    target: Resource
    words: str
    permitted: bool = False  # an action that the source's role may do


class _Rule(NamedTuple):
    type: str
    source: str  # a property that names it; empty: the resource itself
    target: str  # likewise
    words: str


_RULES = (
    _Rule("AWS::ApiGateway::Method", "RestApiId", "Integration", "each request"),
    _Rule("AWS::ApiGateway::Authorizer", "RestApiId", "AuthorizerUri", "each new token"),
    _Rule("AWS::ApiGateway::UsagePlan", "", "ApiStages", "limits"),
    _Rule("AWS::WAFv2::WebACLAssociation", "WebACLArn", "ResourceArn", "filters"),
    _Rule("AWS::ApplicationAutoScaling::ScalableTarget", "", "ResourceId", "scales"),
    _Rule("AWS::SageMaker::Endpoint", "", "EndpointConfigName", "runs"),
    _Rule("AWS::SageMaker::EndpointConfig", "", "ProductionVariants", "of"),
    _Rule("AWS::CloudWatch::Alarm", "", "Dimensions", "watches"),
    _Rule("AWS::CloudWatch::Alarm", "", "Metrics", "watches"),
    _Rule("AWS::SageMaker::Endpoint", "DeploymentConfig", "", "undoes an update of"),
    _Rule("AWS::Lambda::EventSourceMapping", "EventSourceArn", "FunctionName", "messages"),
    _Rule("AWS::Events::Rule", "", "Targets", "event"),
    _Rule("AWS::SQS::Queue", "", "RedrivePolicy", "what fails"),
)
_ROLES = ("Role", "RoleArn", "ExecutionRoleArn", "PipelineDefinition")


def relations(templates: Templates) -> Iterator[Relation]:
    """Yield how resources have to do with each other, each relation once."""
    plain = [*_by_properties(templates)]
    # Whoever is watched or sends messages is also asked: that goes without saying.
    answered = {(each.target, each.source) for each in plain}
    permitted = (e for e in _by_permissions(templates) if (e.source, e.target) not in answered)
    found = [*plain, *permitted]
    yield from dict.fromkeys(each for each in found if each.source != each.target)


def _by_properties(templates: Templates) -> Iterator[Relation]:
    for rule in _RULES:
        for resource, each in templates.of_type(rule.type):
            sources, targets = (
                [*templates.referred(resource.stack, each["Properties"].get(name))]
                if name
                else [resource]
                for name in (rule.source, rule.target)
            )
            yield from (Relation(s, t, rule.words) for s in sources for t in targets)


def _by_permissions(templates: Templates) -> Iterator[Relation]:
    holders = _holders(templates)
    for role, statement in _statements(templates):
        if statement["Effect"] != "Allow":
            continue
        actions = statement["Action"]
        for target in templates.referred(role.stack, statement["Resource"]):
            for holder in holders.get(role, ()):
                for action in actions if isinstance(actions, list) else [actions]:
                    yield Relation(holder, target, action, permitted=True)


def _holders(templates: Templates) -> dict[Resource, list[Resource]]:
    """Return which resources act with each role."""
    found: dict[Resource, list[Resource]] = {}
    for resource, each in templates.of_type():
        properties = each.get("Properties", {})
        for name in _ROLES:
            for role in templates.referred(resource.stack, properties.get(name)):
                if templates.type_of(role) == "AWS::IAM::Role":
                    found.setdefault(role, []).append(resource)
    return found


def _statements(templates: Templates) -> Iterator[tuple[Resource, Json]]:
    for role, each in templates.of_type("AWS::IAM::Role"):
        for policy in each["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role, statement
    for policy, each in templates.of_type("AWS::IAM::Policy"):
        for role in templates.referred(policy.stack, each["Properties"]["Roles"]):
            for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                yield role, statement
