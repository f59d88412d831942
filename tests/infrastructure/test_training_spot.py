"""Managed spot training, by an environment's choice."""

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import assertions

from stacks import environments
from stacks.serving_stack import ServingStack
from stacks.training_stack import TrainingStack
from tests.infrastructure.assembly import Assembly, Template
from tests.infrastructure.pipeline_definition import definition_of, steps_by_name


def test_spot_training_waits_for_instances_and_changes_nothing_else(assembly: Assembly) -> None:
    environment = environments.local()
    assert environment.tuning
    tuning = replace(environment.tuning, managed_spot=True)
    stage = cdk.Stage(cdk.App(), "Spot")  # Without the API, which takes seconds.
    serving = ServingStack(stage, "Serving", environment=environment, weights_bucket=None)
    stack = TrainingStack(
        stage, "Training", environment=environment, settings=tuning, published=serving.published
    )
    body = assertions.Template.from_stack(stack).to_json()
    on_spot, on_demand = (
        steps_by_name(definition_of(template))["FineTune"]["Arguments"]
        for template in (
            Template("Spot/Training", Path(), dict(body)),
            assembly.template("Local/Training"),
        )
    )
    limit = on_demand.pop("StoppingCondition")
    wait = {"MaxWaitTimeInSeconds": 2 * limit["MaxRuntimeInSeconds"]}
    assert on_spot.pop("StoppingCondition") == {**limit, **wait}
    assert on_spot.pop("EnableManagedSpotTraining") is True
    assert on_spot.keys() == on_demand.keys()
