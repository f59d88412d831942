"""The pipeline's definition: parameters and steps, compiled by the SageMaker SDK."""

import json
from types import SimpleNamespace
from typing import Any

from sagemaker_llm.release.storage import DATA

from .job_steps import evaluate_step, fine_tune_step, prepare_step, store_step
from .offline_sdk import Pipeline
from .parameters import PipelineParameters
from .parts import PipelineParts
from .release_steps import gate_step, register_step, release_step


def pipeline_definition(parts: PipelineParts) -> dict[str, Any]:
    """Return the definition as JSON has it; tokens in it are for the stack to resolve."""
    p = PipelineParameters(
        parts.settings,
        data_uri=parts.storage.data.s3_url_for_object(DATA),
        base_model_uri=parts.base_model_uri,
    )
    prepared = prepare_step(parts, p)
    tuned = fine_tune_step(parts, p, prepared)
    stored = store_step(parts, tuned)
    evaluated = evaluate_step(parts, p, prepared, stored)
    registered = register_step(
        parts, p, prepared=prepared, tuned=tuned, stored=stored, evaluated=evaluated
    )
    passed = [registered, release_step(parts, registered)]
    pipeline = Pipeline(
        name="compiled",  # the definition does not hold it
        parameters=p.all(),
        steps=[prepared, tuned, stored, evaluated, gate_step(p, evaluated, passed=passed)],
        # Executions are found by the pipeline itself: SageMaker Experiments adds nothing to that.
        pipeline_experiment_config=None,
        sagemaker_session=_no_session(),
    )
    definition: dict[str, Any] = json.loads(pipeline.definition())
    return {name: value for name, value in definition.items() if value is not None}


def _no_session() -> SimpleNamespace:
    """What the SDK asks of a session to compile a definition: a client that is never called."""
    return SimpleNamespace(boto_session=SimpleNamespace(client=lambda _service: None))
