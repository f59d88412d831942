"""The CDK app with a model in the stage `Local` that no container can load."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses

import app
from sagemaker_llm.models.weights import PackagedWeights
from stacks import environments

_local = environments.local()
_model = dataclasses.replace(_local.model, weights=PackagedWeights(hf_model_id="no-such/model"))
environments.local = lambda: dataclasses.replace(_local, model=_model)

app.build().synth()
