"""Managed spot training, by an environment's choice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import assertions

from stacks import environments
from stacks.stage import LlmStage
from tests.infrastructure.assembly import Template
from tests.infrastructure.pipeline_definition import definition_of, steps_by_name


def test_spot_training_saves_checkpoints_that_no_other_execution_finds() -> None:
    environment = environments.local()
    tuning = replace(environment.tuning, managed_spot=True)
    stage = LlmStage(cdk.App(), "Spot", environment=replace(environment, tuning=tuning))
    stack = stage.node.find_child("Training")
    assert isinstance(stack, cdk.Stack)
    body = assertions.Template.from_stack(stack).to_json()
    definition = definition_of(Template("Spot/Training", Path(), dict(body)))
    training: dict[str, Any] = steps_by_name(definition)["FineTune"]["Arguments"]
    assert training["EnableManagedSpotTraining"] is True
    stopping = training["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]
    _, execution, _ = training["CheckpointConfig"]["S3Uri"]["Std:Join"]["Values"]
    assert execution == {"Get": "Execution.PipelineExecutionId"}
    (role,) = (r for name, r in body["Resources"].items() if name.startswith("FineTuningRolesFine"))
    (policy,) = role["Properties"]["Policies"]
    on_checkpoints = {
        action
        for statement in policy["PolicyDocument"]["Statement"]
        if "checkpoints/*" in json.dumps(statement)
        for action in [statement["Action"]]
        if isinstance(action, str)
    }
    assert on_checkpoints == {
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }
