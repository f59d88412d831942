"""The CDK app with the small model on vLLM and an adapter beside it in the stage `Local`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses

import app
from operate.command_line import main
from sagemaker_llm import Adapter, Approval, Vllm
from stacks import environments

_local = environments.local()
_support = Adapter(name="support", artifact="s3://tuned-adapters/support/1.tar.gz", rank=2)
_model = _local.model.served_by(Vllm(adapters=(_support,)))
# With adapters nothing is released.
_tuning = dataclasses.replace(_local.tuning, approval=Approval.PENDING) if _local.tuning else None
environments.local = lambda: dataclasses.replace(_local, model=_model, tuning=_tuning)

if sys.argv[1:]:
    main(sys.argv[1:])
else:
    app.build().synth()
