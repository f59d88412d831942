"""The gate as it stands in the definition, on what the evaluation writes."""

import importlib
import io
import json
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from embedded_aws.sagemaker.pipelines.expressions import ExpressionError, Scope
from tests.infrastructure.assembly import Assembly
from tests.infrastructure.pipeline_definition import definition_of, steps_by_name

Json = dict[str, Any]
_FIGURES = ("loss_reduction", "passkey_retrieval_change", "line_retrieval_change")


@pytest.fixture(name="comparison")
def _comparison(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The evaluation's own code, without the model under evaluation, which needs torch."""
    for name, members in (("subject", ("Subject", "Answer")), ("held_out", ("HeldOut",))):
        module = ModuleType(f"evaluation.{name}")
        for member in members:
            setattr(module, member, object)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    ours = ("evaluation", "evaluation.comparison", "evaluation.retrieval")
    for name in ours:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("evaluation.comparison")
    for name in ours:
        sys.modules.pop(name, None)


def _measured(loss: float, accuracy: float) -> SimpleNamespace:
    return SimpleNamespace(
        held_out=SimpleNamespace(
            loss=loss, standard_deviation=0.1, perplexity=2.7**loss, records=9, left_out=0
        ),
        tokens_per_second=20.0,
        accuracy=lambda _task: accuracy,
    )


def _evaluation(comparison: ModuleType, *, loss: float = 1.0, accuracy: float = 0.9) -> Json:
    """What is written of a model whose base has a loss of 2 and finds 0.9."""
    base, tuned = _measured(2.0, 0.9), _measured(loss, accuracy)
    quality: Json = comparison.Comparison(base, tuned, ()).model_quality()
    return quality


def _passes(assembly: Assembly, evaluation: Json) -> bool:
    """Whether the gate lets a model through; raises ExpressionError when its step fails."""
    definition = definition_of(assembly.template("Prod/Training"))
    body = json.dumps(evaluation).encode()
    scope = Scope(
        parameters={p["Name"]: p["DefaultValue"] for p in definition["Parameters"]},
        variables=str,
        properties=lambda _step: {},
        property_file=lambda _step, _name: "s3://reports/evaluation.json",
        s3=lambda: SimpleNamespace(get_object=lambda **_: {"Body": io.BytesIO(body)}),
    )
    conditions = steps_by_name(definition)["Gate"]["Arguments"]["Conditions"]
    return all(scope.holds(condition) for condition in conditions)


def test_model_that_is_better_passes(assembly: Assembly, comparison: ModuleType) -> None:
    assert _passes(assembly, _evaluation(comparison))


@pytest.mark.parametrize(
    "measured", [{"loss": 1.97}, {"loss": 2.5}, {"accuracy": 0.8}, {"loss": float("nan")}]
)
def test_model_that_is_not_better_is_refused(
    assembly: Assembly, comparison: ModuleType, measured: dict[str, float]
) -> None:
    assert not _passes(assembly, _evaluation(comparison, **measured))


@pytest.mark.parametrize("figure", _FIGURES)
def test_model_without_a_figure_is_not_released(
    assembly: Assembly, comparison: ModuleType, figure: str
) -> None:
    evaluation = _evaluation(comparison)
    del evaluation["text_generation_metrics"][figure]
    with pytest.raises(ExpressionError, match=figure):
        _passes(assembly, evaluation)


@pytest.mark.parametrize("figure", _FIGURES)
def test_model_with_a_figure_that_is_no_number_is_not_released(
    assembly: Assembly, comparison: ModuleType, figure: str
) -> None:
    evaluation = _evaluation(comparison)
    evaluation["text_generation_metrics"][figure]["value"] = "NaN"
    with pytest.raises(ExpressionError, match="cannot compare"):
        _passes(assembly, evaluation)
