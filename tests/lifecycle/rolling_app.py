"""The CDK app with the stage `Local` on two instances that roll, for each of its weights in S3.

`python tests/lifecycle/rolling_app.py FOLDER NAME...`: an assembly each, of the weights `NAME/`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses
from functools import partial

import app
from sagemaker_llm import GuardedUpdates, JumpStartWeights, TargetTracking
from stacks import environments
from stacks.environment import Environment

_local = environments.local()
_WAIT_SECONDS = 3600  # after each instance: at AWS's pace nothing here outlasts it


def _serving(weights: str) -> Environment:
    return dataclasses.replace(
        _local,
        model=dataclasses.replace(
            _local.model,
            weights=JumpStartWeights(key_prefix=f"{weights}/"),
            tuned_from=_local.model.weights,
        ),
        scaling=TargetTracking(min_instances=2, max_instances=2, initial_instances=2),
        updates=GuardedUpdates(baking_seconds=_WAIT_SECONDS),
    )


for _name in sys.argv[2:]:
    environments.local = partial(_serving, _name)
    app.build(str(Path(sys.argv[1], _name))).synth()
