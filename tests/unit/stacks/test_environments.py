"""The environments: what they promise, and what they refuse before synth."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import (
    Client,
    FunctionTarget,
    GuardedUpdates,
    StagedGguf,
    TargetTracking,
    Tgi,
    UpdateStrategy,
    find_model,
)
from sagemaker_llm.api.web_adapter import layer_arn
from stacks import environments
from stacks.environment import Environment

_PLACED: list[Callable[..., Environment]] = [
    environments.dev,
    environments.staging,
    environments.prod,
]
_CLIENT = Client(name="Demo", rate_limit=1, burst_limit=1, daily_quota=1)


def test_local_environment_is_the_embedded_aws_with_the_small_model() -> None:
    local = environments.local()
    assert (local.account, local.region) == ("000000000000", "us-east-1")
    assert local.model.model_id == "smollm2-135m-instruct"
    assert local.function_target is FunctionTarget.LOCAL


@pytest.mark.parametrize("environment", _PLACED)
def test_aws_environment_goes_where_it_is_told_or_anywhere(
    environment: Callable[..., Environment],
) -> None:
    placed = environment(account="123456789012", region="eu-west-1")
    assert (placed.account, placed.region) == ("123456789012", "eu-west-1")
    anywhere = environment(account=None, region=None)
    assert (anywhere.account, anywhere.region) == (None, None)
    assert placed.function_target is FunctionTarget.AWS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"account": None}, "account and region must be given together or not at all"),
        ({"region": None}, "account and region must be given together or not at all"),
        ({"account": "12345678901"}, "account must be 12 digits, got '12345678901'"),
        ({"account": "12345678901x"}, "account must be 12 digits"),
        (
            {"region": "eu-west-9"},
            "region must be one that AWS keeps the image huggingface-pytorch-tgi-inference in, got",
        ),
        (
            {"region": "eu-south-2"},
            "region must be one of .*set allow_unlisted_region .*'eu-south-2'",
        ),
        ({"instance_type": "ml.m5.large"}, "instance_type must be of a family that serves models"),
        ({"instance_type": "g5.2xlarge"}, "instance_type must start with 'ml.'"),
        ({"instance_type": "ml.g4dn.2xlarge"}, "needs flash attention 2, got 'ml.g4dn.2xlarge'"),
    ],
)
def test_environment_is_refused_when_it_cannot_be_deployed(
    changes: dict[str, Any], message: str
) -> None:
    prod = environments.prod(account="123456789012", region="eu-west-1")
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(prod, **{"sizing": None, **changes})


def test_environment_goes_to_an_unlisted_region_when_it_says_so() -> None:
    prod = environments.prod(account="123456789012", region="eu-west-1")
    elsewhere = dataclasses.replace(prod, region="eu-south-2", allow_unlisted_region=True)
    assert elsewhere.region == "eu-south-2"


def test_quota_holds_the_largest_fleet_and_what_an_update_adds() -> None:
    quotas = [each(account=None, region=None).endpoint_quota for each in _PLACED]
    assert quotas == [2, 4, 5]


def test_environment_on_a_cpu_serves_one_file_of_a_commit_and_tunes_what_it_was_made_from() -> None:
    cpu = environments.cpu(account="123456789012", region="eu-west-1")
    assert (cpu.instance_type, cpu.endpoint_quota) == ("ml.c7g.2xlarge", 2)
    assert cpu.image.repository == "llama-cpp-arm64"
    assert isinstance(cpu.model.weights, StagedGguf)
    assert re.fullmatch(r"[0-9a-f]{40}", cpu.model.weights.revision)
    dev = environments.dev(account=None, region=None)
    assert (cpu.tuning, cpu.model.tuned_from) == (dev.tuning, dev.model.weights)


def test_persons_own_file_is_served_on_this_machine_only() -> None:
    own = environments.own_model("/models/mine.gguf", "mistral-7b", window=2048, threads=1)
    assert own.limits.max_total_tokens == 2048
    local = environments.local_with(own)
    assert (local.model, local.tuning) == (own, None)
    with pytest.raises(ValueError, match="mistral-7b are on this machine only"):
        dataclasses.replace(environments.cpu(account=None, region=None), model=own, tuning=None)


def test_environment_is_refused_when_sagemaker_would_not_follow_its_updates() -> None:
    staging = environments.staging(account=None, region=None)
    updates = GuardedUpdates(strategy=UpdateStrategy.CANARY)
    with pytest.raises(ValueError, match="updates by canary need min_instances"):
        dataclasses.replace(staging, updates=updates)


def test_environment_is_refused_when_the_model_needs_more_gpus() -> None:
    prod = environments.prod(account=None, region=None)
    split = dataclasses.replace(find_model("mistral-7b"), server=Tgi(num_gpus=4))
    prod = dataclasses.replace(prod, sizing=None)
    assert dataclasses.replace(prod, model=split, instance_type="ml.g5.12xlarge").model is split
    with pytest.raises(ValueError, match="must have the 4 GPUs that mistral-7b is split over"):
        dataclasses.replace(prod, model=split)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_instances": 0}, "min_instances must be from 1 to 1000, got 0"),
        ({"min_instances": 5}, "min_instances must be from 1 to max_instances 4, got 5"),
        ({"initial_instances": 0}, "initial_instances must be from 1 to 1000, got 0"),
        ({"initial_instances": 5}, "initial_instances must be from 1 to max_instances 4, got 5"),
        (
            {"target_concurrent_requests": 0},
            "must be above 0 and below 10000, got 0",
        ),
        (
            {"scale_in_cooldown_seconds": -1},
            "must be from 0 to 86400, got -1",
        ),
    ],
)
def test_scaling_is_refused_when_it_contradicts_itself(
    changes: dict[str, Any], message: str
) -> None:
    scaling = TargetTracking(min_instances=2, max_instances=4, target_concurrent_requests=8)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(scaling, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "demo client"}, "name of a client must be in PascalCase, .* got 'demo client'"),
        ({"name": ""}, "name of a client must be in PascalCase"),
        ({"rate_limit": 0}, "rate_limit of client Demo must be above 0 and at most 5000, got 0"),
        ({"daily_quota": -1}, "daily_quota of client Demo must be from 1 to 2147483647, got -1"),
        ({"rate_limit": 2}, "burst_limit of client Demo must be at least its rate_limit 2, got 1"),
        ({"burst_limit": 2}, "daily_quota of client Demo must be from its burst_limit 2 to"),
        ({"daily_quota": 86_402}, "to the 86401 requests that .* lets through in a day, got 86402"),
    ],
)
def test_client_is_refused_when_it_could_never_call(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(_CLIENT, **changes)


@pytest.mark.parametrize(
    "region", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"]
)
def test_region_is_refused_when_it_lacks_the_web_adapter(region: str) -> None:
    with pytest.raises(ValueError, match=f"region must be in the partition 'aws'.*{region}"):
        layer_arn(region)
