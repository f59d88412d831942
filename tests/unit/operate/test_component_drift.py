"""Drift of an endpoint with adapters: each component is held against the template."""

from types import SimpleNamespace
from typing import Any

import pytest

from operate.releases.components import component_checks, served_model

_TYPE = "AWS::SageMaker::InferenceComponent"


def _declared(**specification: Any) -> dict[str, Any]:
    return {"Type": _TYPE, "Properties": {"Specification": specification}}


_TEMPLATE = {
    "Resources": {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": {}},
        "Base": _declared(ModelName={"Ref": "Model"}),
        "Support": _declared(Container={"ArtifactUrl": "s3://b/2.tar.gz"}),
    }
}
_IDS = {"Base": "arn:base", "Support": "arn:support", "Model": "arn:model"}


class _SageMaker:
    """An endpoint's components, by name: their specifications, and a status other than usual."""

    def __init__(self, components: dict[str, dict[str, Any]], **statuses: str) -> None:
        self._components, self._statuses = components, statuses

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_inference_components"
        names = [{"InferenceComponentName": name} for name in self._components]
        pages = [{"InferenceComponents": names[:1]}, {"InferenceComponents": names[1:]}]
        return SimpleNamespace(
            paginate=lambda **asked: pages if asked == {"EndpointNameEquals": "e"} else []
        )

    def describe_inference_component(
        self,
        InferenceComponentName: str,  # noqa: N803 - boto3's name
    ) -> dict[str, Any]:
        return {
            "InferenceComponentName": InferenceComponentName,
            "InferenceComponentArn": f"arn:{InferenceComponentName}",
            "InferenceComponentStatus": self._statuses.get(InferenceComponentName, "InService"),
            "Specification": self._components[InferenceComponentName],
        }


_AS_DECLARED: dict[str, dict[str, Any]] = {
    "base": {"ModelName": "M"},
    "support": {"Container": {"ArtifactUrl": "s3://b/2.tar.gz"}},
}


def _drifted(sagemaker: _SageMaker) -> list[tuple[str, object, object]]:
    checks = component_checks(sagemaker, "e", _TEMPLATE, _IDS)
    return [tuple(check) for check in checks if not check.holds]  # type: ignore[misc] # three


def test_components_as_declared_have_not_drifted() -> None:
    assert _drifted(_SageMaker(_AS_DECLARED)) == []
    assert len([*component_checks(_SageMaker(_AS_DECLARED), "e", _TEMPLATE, _IDS)]) == 3


def test_drift_says_which_component_is_another_or_gone_or_nobodys() -> None:
    other = {"Container": {"ArtifactUrl": "s3://b/1.tar.gz"}}
    found = _SageMaker({"base": {"ModelName": "M"}, "support": other}, base="Failed")
    assert _drifted(found) == [
        ("component base", "InService", "Failed"),
        ("adapter of support", "s3://b/2.tar.gz", "s3://b/1.tar.gz"),
    ]
    found = _SageMaker({"base": {"ModelName": "M"}, "stray": other})
    assert _drifted(found) == [
        ("component Support", "InService", "gone"),
        ("component stray", "not there", "there"),
    ]


def test_the_model_that_is_served_is_the_variants_or_the_bases() -> None:
    assert served_model(_SageMaker({}), "e", {"ModelName": "V"}) == "V"
    assert served_model(_SageMaker(_AS_DECLARED), "e", {}) == "M"
    with pytest.raises(SystemExit, match="endpoint e has no base component"):
        served_model(_SageMaker({}), "e", {})
