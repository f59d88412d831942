"""What an environment's templates cost a month before the first request comes."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from operate.delivery.report.templates import Json
from sagemaker_llm.sizing.prices import (
    ALARM_MONTH,
    HOURS_A_MONTH,
    INSTANCE_HOUR,
    KEY_MONTH,
    WEB_ACL_MONTH,
    WEB_ACL_RULE_MONTH,
)

_FIXED = {"AWS::KMS::Key": KEY_MONTH, "AWS::CloudWatch::Alarm": ALARM_MONTH}
_CONFIG, _TARGET = "AWS::SageMaker::EndpointConfig", "AWS::ApplicationAutoScaling::ScalableTarget"
_WEB_ACL = "AWS::WAFv2::WebACL"


class Month(NamedTuple):
    """USD with the smallest fleets and with the largest, and the types without a known price."""

    least: float
    most: float
    unknown: tuple[str, ...] = ()


def month(templates: Iterable[Json]) -> Month:
    """Return what all that these templates hold costs a month."""
    found = [price for template in templates for price in _prices(template)]
    unknown = {name for each in found for name in each.unknown}
    return Month(
        sum(each.least for each in found), sum(each.most for each in found), tuple(sorted(unknown))
    )


def _prices(template: Json) -> Iterator[Month]:
    for resource in template.get("Resources", {}).values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind == _CONFIG:
            for variant in properties["ProductionVariants"]:
                yield _fleet(template, variant)
        elif kind == _WEB_ACL:
            price = WEB_ACL_MONTH + WEB_ACL_RULE_MONTH * len(properties.get("Rules", []))
            yield Month(price, price)
        elif kind in _FIXED:
            yield Month(_FIXED[kind], _FIXED[kind])


def _fleet(template: Json, variant: Json) -> Month:
    instance_type = str(_resolved(template, variant.get("InstanceType")))
    if instance_type not in INSTANCE_HOUR:
        return Month(0, 0, (instance_type,))
    price = INSTANCE_HOUR[instance_type] * HOURS_A_MONTH
    least, most = _counts(template, variant)
    return Month(least * price, most * price)


def _counts(template: Json, variant: Json) -> tuple[int, int]:
    """Return the smallest and the largest instance count of a variant."""
    if managed := variant.get("ManagedInstanceScaling"):
        return managed["MinInstanceCount"], managed["MaxInstanceCount"]
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        where = str(properties.get("ResourceId"))
        if resource["Type"] == _TARGET and f"/variant/{variant['VariantName']}" in where:
            return properties["MinCapacity"], properties["MaxCapacity"]
    return variant["InitialInstanceCount"], variant["InitialInstanceCount"]


def _resolved(template: Json, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a parameter's default for what refers to it."""
    match value:
        case {"Ref": str(name)} if name in template.get("Parameters", {}):
            return template["Parameters"][name].get("Default")
    return value
