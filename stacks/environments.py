"""The environments: what differs between them, and nothing else."""

from dataclasses import replace

import aws_cdk as cdk
import aws_cdk.aws_logs as logs

from sagemaker_llm import (
    ApiSettings,
    CatalogEntry,
    Client,
    FileWeights,
    Firewall,
    FunctionTarget,
    GuardedUpdates,
    LogKeeping,
    Reservation,
    Sizing,
    StagedGguf,
    TargetTracking,
    TuningSettings,
    cheapest_hosting,
    find_model,
)
from sagemaker_llm.models.servers.llama_cpp import LLAMA_CPP, LlamaCpp

from . import loads, tunings
from .environment import Environment

_CPU_INSTANCE = "ml.c7g.2xlarge"  # the one with which AWS tests its arm64 image of llama.cpp
_WAITING = 200
_ONE_ON_A_CPU = TargetTracking(min_instances=1, max_instances=1, target_concurrent_requests=1)

# Q4_K_M, the quantization that the file's page recommends; under Apache 2.0, as the model.
# Unverified: the commit and the size, from public logs and lists: `make stage-weights ENV=cpu`
# compares both with the hub.
_QUANTIZED_MISTRAL = StagedGguf(
    repository="TheBloke/Mistral-7B-Instruct-v0.1-GGUF",
    revision="731a9fc8f06f5f5e2db8a0cf9d256197eb6e05d1",
    file="mistral-7b-instruct-v0.1.Q4_K_M.gguf",
    file_bytes=4_368_438_944,
)


def own_model(path: str, entry: str, *, window: int, threads: int) -> CatalogEntry:
    """Return a model of the catalog served from a person's own GGUF file, for this machine.

    The window is the entry's, or the file's if that is shorter. Two requests at a time: each has
    its part of the cache, which is a gigabyte for Mistral's 8,192 tokens.
    """
    declared = find_model(entry)
    return declared.served_by(
        LlamaCpp(container_settings={"SM_LLAMA_CPP_THREADS": str(threads)}),
        weights=FileWeights(path=path),
        window=min(window, declared.limits.max_total_tokens),
        max_concurrent_requests=2,
    )


def local_with(own: CatalogEntry) -> Environment:
    """Return the environment `local` with a model of a person's own; it fine-tunes nothing."""
    declared = local()
    return replace(
        declared,
        model=own,
        # What llama.cpp has no slot for waits there, and in as many executions of the proxy.
        api=replace(declared.api, reserved_concurrency=_WAITING),
        instance_type=_CPU_INSTANCE,
        scaling=_ONE_ON_A_CPU,
        tuning=None,
    )


def local_under(sizing: Sizing) -> Environment:
    """Return the environment `local` with the plan of a load; it fine-tunes nothing.

    The embedded AWS needs no weights where a service model answers.
    """
    declared = local()
    return replace(
        declared,
        model=find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests),
        sizing=sizing,
        scaling=TargetTracking.sized(sizing),
        updates=replace(
            GuardedUpdates.sized(sizing), baking_seconds=declared.updates.baking_seconds
        ),
        api=replace(declared.api, clients=(Client.sized(sizing, name="Demo"),)),
        tuning=None,
    )


def local() -> Environment:
    """Return the environment that the embedded AWS runs: a small model, and nothing is kept."""
    return Environment(
        account="000000000000",
        region="us-east-1",
        model=find_model("smollm2-135m-instruct"),
        instance_type="ml.g5.2xlarge",
        scaling=TargetTracking(min_instances=1, max_instances=1),
        updates=GuardedUpdates(baking_seconds=1),  # nobody waits for `make up` longer than needed
        api=ApiSettings(
            clients=(Client(name="Demo", rate_limit=20, burst_limit=100, daily_quota=1_000_000),),
            playground=True,
            draining_seconds=1,  # likewise
        ),
        tuning=tunings.SMALL,
        log_keeping=LogKeeping(
            retention=logs.RetentionDays.ONE_DAY, removal_policy=cdk.RemovalPolicy.DESTROY
        ),
        data_removal_policy=cdk.RemovalPolicy.DESTROY,
        function_target=FunctionTarget.LOCAL,
    )


def dev(*, account: str | None, region: str | None) -> Environment:
    """Return the environment for trying things out on AWS: one instance."""
    declared = _sized(
        loads.dev(),
        account=account,
        region=region,
        tuning=tunings.DEMONSTRATION,
        retention=logs.RetentionDays.ONE_WEEK,
    )
    # It must deploy into a new account, which may have no concurrency to reserve.
    api = replace(declared.api, playground=True, reserved_concurrency=Reservation.NONE)
    return replace(declared, api=api)


def cpu(*, account: str | None, region: str | None) -> Environment:
    """Return the environment for tens of cents an hour: a quantized Mistral on a CPU."""
    return Environment(
        account=account,
        region=region,
        model=find_model("mistral-7b-instruct").served_by(
            LLAMA_CPP,
            weights=_QUANTIZED_MISTRAL,
            # The file has 4.1 GiB, the cache of a request 1 GiB, of the instance's 16.
            max_concurrent_requests=4,
        ),
        instance_type=_CPU_INSTANCE,
        scaling=_ONE_ON_A_CPU,
        api=ApiSettings(
            clients=(Client(name="Demo", rate_limit=5, burst_limit=10, daily_quota=5_000),),
            playground=True,
            reserved_concurrency=Reservation.NONE,
        ),
        tuning=tunings.DEMONSTRATION,
        log_keeping=LogKeeping(retention=logs.RetentionDays.ONE_WEEK),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def staging(*, account: str | None, region: str | None) -> Environment:
    """Return the environment where a release is proven: prod's shape at its smallest."""
    return _sized(
        loads.staging(),
        account=account,
        region=region,
        tuning=tunings.MISTRAL,
        retention=logs.RetentionDays.ONE_MONTH,
    )


def prod(*, account: str | None, region: str | None) -> Environment:
    """Return the environment that users call: two instances at least, so that one may fail."""
    sizing = loads.prod()
    declared = _sized(
        sizing,
        account=account,
        region=region,
        tuning=tunings.MISTRAL,
        retention=logs.RetentionDays.ONE_YEAR,
    )
    return replace(
        declared,
        scaling=TargetTracking.sized(sizing, initial_instances=2),
        api=replace(declared.api, firewall=Firewall()),
        termination_protection=True,
    )


def _sized(
    sizing: Sizing,
    *,
    account: str | None,
    region: str | None,
    tuning: TuningSettings,
    retention: logs.RetentionDays,
) -> Environment:
    """Return the environment of a load that is declared: Mistral-7B on a GPU; its data stay."""
    return Environment(
        account=account,
        region=region,
        model=find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests),
        instance_type="ml.g5.2xlarge",
        sizing=sizing,
        scaling=TargetTracking.sized(sizing),
        updates=GuardedUpdates.sized(sizing),
        api=ApiSettings(
            clients=(Client.sized(sizing, name="Demo"),), hosting=cheapest_hosting(sizing)
        ),
        tuning=tuning,
        log_keeping=LogKeeping(retention=retention),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
    )
