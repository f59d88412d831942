"""The pipeline's definition: parameters and steps, compiled by the SageMaker SDK."""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .facts import ParameterShape, placeholders
from .jobs import evaluate_step, fine_tune_step, prepare_step, store_step
from .parameters import Parameters
from .release import gate_step, register_step, release_step
from .sdk import Pipeline


def compile_definition(shapes: Sequence[ParameterShape], *, managed_spot: bool) -> dict[str, Any]:
    """Return the definition with placeholders for the facts and the parameters' values."""
    facts, p = placeholders(), Parameters(shapes)
    prepared = prepare_step(facts, p)
    tuned = fine_tune_step(facts, p, prepared, managed_spot=managed_spot)
    stored = store_step(facts, tuned)
    evaluated = evaluate_step(facts, p, prepared, stored)
    registered = register_step(
        facts, p, prepared=prepared, tuned=tuned, stored=stored, evaluated=evaluated
    )
    passed = [registered, release_step(facts, registered)]
    pipeline = Pipeline(
        name="compiled",  # the definition does not hold it
        parameters=list(p.values()),
        steps=[prepared, tuned, stored, evaluated, gate_step(p, evaluated, passed=passed)],
        # The pipeline lists its executions: SageMaker Experiments would add nothing.
        pipeline_experiment_config=None,
        sagemaker_session=_no_session(),
    )
    definition: dict[str, Any] = json.loads(pipeline.definition())
    return {name: value for name, value in definition.items() if value is not None}


def _no_session() -> SimpleNamespace:
    """Return what the SDK asks of a session to compile: a client that it never calls."""
    return SimpleNamespace(boto_session=SimpleNamespace(client=lambda _service: None))
