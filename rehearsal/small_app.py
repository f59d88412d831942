"""The app of a rehearsal: the environments as they are declared, small enough for one laptop.

What CI deploys is theirs: stacks, roles, alarms, names, tags, protection. The model is the packaged
one, so that the load that was declared for Mistral says nothing here. A rehearsed change is a
commit that edits this file: see `changes.py`.
"""

import app as environments  # isort: skip  # first: it makes the imports below find their packages

from collections.abc import Callable
from dataclasses import replace

import aws_cdk as cdk

from sagemaker_llm import (
    Client,
    FunctionTarget,
    GuardedUpdates,
    TargetTracking,
    find_model,
)
from stacks.environment import Environment

_MODEL = "smollm2-135m-instruct"
_IMAGE_TAG = "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
# Of each instance, and how many of them scaling wants in flight.
_ADMITTED = {"Dev": 8, "Staging": 8, "Prod": 8}
_TARGET = 1
# TGI's: for how many tokens of the others a request may wait. Only prod has users enough for it.
_WAITING_TOKENS = {"Prod": 20}

_SECONDS_TO_FIRST_TOKEN = 3  # beyond which the alarm rings
_BAKING_SECONDS = 60
_DRAINING_SECONDS = 2  # a function sleeps in real time
# Slow enough that a laptop reaches it, as `make smoke` does.
_CLIENT = Client(name="Demo", rate_limit=10, burst_limit=20, daily_quota=100_000)


def small(name: str, declared: Environment) -> Environment:
    """Return an environment with the packaged model, and with functions that run here."""
    model = find_model(_MODEL).admitting(_ADMITTED[name])
    settings = {**model.server.container_settings}
    if name in _WAITING_TOKENS:
        settings["MAX_WAITING_TOKENS"] = str(_WAITING_TOKENS[name])
    assert declared.tuning  # noqa: S101 - those that are rehearsed have it
    return replace(
        declared,
        model=replace(model, server=replace(model.server, container_settings=settings)),
        serving_image=replace(declared.image, tag=_IMAGE_TAG),
        sizing=None,
        # As many instances all the while: what a benchmark finds depends on no other before it.
        scaling=TargetTracking(
            min_instances=declared.scaling.min_instances,
            max_instances=declared.scaling.min_instances,
            initial_instances=declared.scaling.min_instances,
            target_concurrent_requests=_TARGET,
        ),
        updates=GuardedUpdates(
            baking_seconds=_BAKING_SECONDS,
            max_time_to_first_token_seconds=_SECONDS_TO_FIRST_TOKEN,
        ),
        # The embedded CloudFormation has no association of a web ACL with a stage.
        api=replace(
            declared.api,
            clients=(_CLIENT,),
            firewall=None,
            draining_seconds=_DRAINING_SECONDS,
        ),
        tuning=replace(declared.tuning, base_model_id=model.weights.hf_model_id),
        function_target=FunctionTarget.LOCAL,
    )


def declared() -> dict[str, Callable[[], Environment]]:
    """Return what makes each environment that CI deploys, by its stage's name."""
    known = environments.declared()
    return {name: lambda name=name: small(name, known[name]()) for name in _ADMITTED}  # type: ignore[misc] # mypy takes the default for an argument


def build() -> cdk.App:
    """Return the app with the chosen environments."""
    return environments.build(known=declared())


if __name__ == "__main__":
    build().synth()
