"""The CDK app with the model of the stage `Local` on another server: `vllm` or `llama-cpp`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses
from typing import Any

import app
from sagemaker_llm import LLAMA_CPP, VLLM
from stacks import environments

_local = environments.local()
_SERVED: dict[str, dict[str, Any]] = {
    "vllm": {"model": _local.model.served_by(VLLM)},
    "llama-cpp": {
        "model": _local.model.served_by(LLAMA_CPP, max_concurrent_requests=2),
        "instance_type": "ml.c7g.2xlarge",
        "scaling": dataclasses.replace(_local.scaling, target_concurrent_requests=1),
        # What has no slot waits in llama.cpp, and in as many executions of the proxy.
        "api": dataclasses.replace(_local.api, reserved_concurrency=200),
    },
}
_changed = dataclasses.replace(_local, **_SERVED[sys.argv[1]])
environments.local = lambda: _changed

app.build().synth()
