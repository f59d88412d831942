"""The CDK app with another instance type in the stage `Local`; or a verb on that app."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses

import app
from operate.command_line import main
from stacks import environments

_local = environments.local()
environments.local = lambda: dataclasses.replace(_local, instance_type="ml.g6.2xlarge")

if sys.argv[1:]:
    main(sys.argv[1:])
else:
    app.build().synth()
