"""A picture in Graphviz's language: stacks as boxes, resources in them, relations as arrows."""

import json
import re
from collections.abc import Iterator, Mapping

from .relations import Relation, relations
from .templates import Json, Resource, Templates

_ALARM = "AWS::CloudWatch::Alarm"  # SageMaker reads them with the role of the model
# What is drawn: the name of its kind, and its colour.
_KINDS: Mapping[str, tuple[str, str]] = {
    "AWS::ApiGateway::RestApi": ("API Gateway, REST", "#e0e7ff"),
    "AWS::ApiGateway::UsagePlan": ("usage plan", "#fef3c7"),
    "AWS::WAFv2::WebACL": ("web firewall", "#fef3c7"),
    "AWS::Lambda::Function": ("Lambda function", "#ffedd5"),
    "AWS::SageMaker::Endpoint": ("SageMaker endpoint", "#ccfbf1"),
    "AWS::SageMaker::EndpointConfig": ("endpoint configuration", "#ccfbf1"),
    "AWS::SageMaker::Model": ("SageMaker model", "#ccfbf1"),
    "AWS::SageMaker::Pipeline": ("SageMaker pipeline", "#ccfbf1"),
    "AWS::SageMaker::ModelPackageGroup": ("model registry", "#ccfbf1"),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("scaling", "#f1f5f9"),
    _ALARM: ("alarm", "#fee2e2"),
    "AWS::S3::Bucket": ("S3 bucket", "#dcfce7"),
    "AWS::SQS::Queue": ("SQS queue", "#fce7f3"),
    "AWS::Events::Rule": ("EventBridge rule", "#fce7f3"),
}
_ACTIONS = 2  # of a service that a label shows
_HEAD = """digraph stacks {
  graph [rankdir=TB, fontname="Helvetica", fontsize=13, nodesep=0.25, ranksep=0.5, newrank=true]
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12, color="#334155"]
  edge [fontname="Helvetica", fontsize=10, color="#334155", fontcolor="#334155"]"""


def dot(bodies: Mapping[str, Json]) -> str:
    """Return the picture of an environment's templates, by the names of its stacks."""
    templates = Templates(bodies)
    drawn = dict(templates.of_type(*_KINDS))
    arrows = [
        each
        for each in relations(templates)
        if {each.source, each.target} <= drawn.keys()
        and not (each.permitted and templates.type_of(each.target) == _ALARM)
    ]
    lines = [_HEAD]
    for stack in bodies:
        lines.append(f'  subgraph "cluster_{stack}" {{')
        lines.append(f'    label="{stack}"; labeljust=l; style="rounded,dashed"; color="#94a3b8"')
        lines += [_node(r, each["Type"]) for r, each in drawn.items() if r.stack == stack]
        lines.append("  }")
    return "\n".join([*lines, *_arrows(arrows), "}"]) + "\n"


def _node(resource: Resource, kind: str) -> str:
    words, colour = _KINDS[kind]
    label = json.dumps(f"{_name(resource.name)}\n{words}")
    return f'    "{resource.stack}.{resource.name}" [label={label}, fillcolor="{colour}"]'


def _name(logical_id: str) -> str:
    """Return a logical id without its hash, in words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"[0-9A-F]{8}$", "", logical_id))


def _arrows(found: list[Relation]) -> Iterator[str]:
    """Yield an arrow for each pair of resources, with all that one does to the other."""
    pairs: dict[tuple[Resource, Resource], list[Relation]] = {}
    for each in found:
        pairs.setdefault((each.source, each.target), []).append(each)
    for (source, target), between in pairs.items():
        plain = [one.words for one in between if not one.permitted]
        label = json.dumps("\n".join([*plain, *_actions(between)]))
        ends = f'"{source.stack}.{source.name}" -> "{target.stack}.{target.name}"'
        yield f"  {ends} [label={label}, style={'solid' if plain else 'dashed'}]"


def _actions(found: list[Relation]) -> Iterator[str]:
    """Yield a line for each service, with the first few actions that are permitted."""
    services: dict[str, list[str]] = {}
    for each in found:
        if each.permitted:
            service, _, action = each.words.partition(":")
            services.setdefault(service, []).append(action)
    for service, actions in services.items():
        more = len(actions) - _ACTIONS
        yield f"{service}: {', '.join(actions[:_ACTIONS])}{f' + {more}' if more > 0 else ''}"
