"""What a configuration may be: each wrong one is refused at construction, each bound is taken."""

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

import botocore.loaders
import pytest

from allowed_values.instances import FAMILIES, INSTANCES, INSTANCES_FOR
from allowed_values.parameters import PARAMETERS
from allowed_values.rules import Choice, Range
from documentation.settings import settings
from language_models.prompt_format import PROMPT_FORMATS
from sagemaker_llm.models.checked import Checked, hints, rules_of
from sagemaker_llm.sizing.prices import INSTANCE_HOUR
from tests.unit.configuration.wrong import RIGHT, WRONG, Row, no_numbers


def _name(value: object) -> str:
    return re.sub(r"\W+", " ", str(value))[:60] if isinstance(value, str | dict) else ""


@pytest.mark.parametrize(("make", "given", "words"), [*WRONG, *no_numbers()], ids=_name)
def test_wrong_configuration_is_refused_and_told_why(
    make: Callable[..., object], given: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        make(**given)
    text = str(refused.value)
    assert re.search(r"\b(got|has|needs)\b", text)  # what was given
    assert "\n" not in text


@pytest.mark.parametrize(("make", "given"), RIGHT, ids=_name)
def test_configuration_at_its_bounds_is_taken(
    make: Callable[..., object], given: Mapping[str, Any]
) -> None:
    make(**given)


def test_wrong_configurations_are_many_and_different() -> None:
    rows: list[Row] = [*WRONG, *no_numbers()]
    assert len(WRONG) >= 120
    assert len({repr(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("declared", [*settings()], ids=lambda each: each.__name__)
def test_every_number_of_the_settings_has_a_declared_range(declared: Any) -> None:
    assert issubclass(declared, Checked)
    for name, hint in hints(declared).items():
        ruled = [rule for rule in rules_of(hint) if isinstance(rule, Range | Choice)]
        described = PARAMETERS[name].rules if name in PARAMETERS else ()
        assert ruled or described or not _has_number(hint), f"{name} of {declared.__name__}"


def _has_number(hint: Any) -> bool:
    if get_origin(hint) is Mapping:
        return False  # Its class checks what is in it.
    return hint is int or hint is float or any(map(_has_number, get_args(hint)))


@pytest.mark.parametrize("name", [*PARAMETERS])
def test_every_parameter_of_an_execution_has_a_rule_that_its_default_keeps(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter.rules or parameter.kind is bool
    if parameter.kind in {int, float}:
        assert any(isinstance(rule, Range | Choice) for rule in parameter.rules)
    if parameter.default is not None:
        parameter.check(parameter.default)


def test_prompt_formats_of_an_execution_are_those_that_there_are() -> None:
    assert PARAMETERS["prompt_format"].choices == PROMPT_FORMATS


@pytest.mark.parametrize(
    ("shape", "types"),
    [
        ("ProductionVariantInstanceType", frozenset(INSTANCES)),
        ("TrainingInstanceType", INSTANCES_FOR["training"].allowed),
        ("ProcessingInstanceType", INSTANCES_FOR["preparation"].allowed),
        ("ProcessingInstanceType", INSTANCES_FOR["evaluation"].allowed),
    ],
)
def test_sagemaker_has_every_instance_type(shape: str, types: frozenset[str]) -> None:
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    assert types <= set(model["shapes"][shape]["enum"])


def test_prices_are_of_instance_types_that_there_are() -> None:
    assert set(INSTANCE_HOUR) <= INSTANCES.keys()
    assert all(Range(above=0, below=1000).allows(price) for price in INSTANCE_HOUR.values())


def test_gpu_instances_for_processing_are_all_that_sagemaker_has() -> None:
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    there = set(model["shapes"]["ProcessingInstanceType"]["enum"])
    ours = {f"ml.{name}.{size}" for name, each in FAMILIES.items() for size in each.processing}
    assert ours == there & INSTANCES.keys()
