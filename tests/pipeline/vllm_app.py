"""The CDK app with the model of the stage `Local` served by vLLM."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses

import app
from sagemaker_llm import VLLM
from stacks import environments

_local = environments.local()
_model = _local.model.served_by(VLLM)
environments.local = lambda: dataclasses.replace(_local, model=_model)

app.build().synth()
