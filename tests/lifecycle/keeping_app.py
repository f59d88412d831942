"""The CDK app with a stage `Local` that keeps its data and logs, as the stages on AWS do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # isort: split

import dataclasses

import aws_cdk as cdk

import app
from stacks import environments

_local = environments.local()
_logs = dataclasses.replace(_local.log_keeping, removal_policy=cdk.RemovalPolicy.RETAIN)
environments.local = lambda: dataclasses.replace(
    _local, data_removal_policy=cdk.RemovalPolicy.RETAIN, log_keeping=_logs
)

app.build().synth()
