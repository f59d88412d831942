"""The plan of an environment that the app declares: the one place where settings become needs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import app  # isort: skip  # first: it makes the imports below find their packages

from operate.preflight.plan import ArchiveNeed, Fleet, ImageNeed, Plan, QuotaNeed, WeightsNeed
from sagemaker_llm import FunctionTarget, Image, JumpStartWeights, ManagedInstances
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.web_adapter import layer_arn
from sagemaker_llm.models.images import registry_account
from sagemaker_llm.models.weights import Staged
from sagemaker_llm.release.release import MAX_CONCURRENCY

if TYPE_CHECKING:
    from sagemaker_llm.models.weights import Weights
    from stacks.environment import Environment

_INSTANCE_CPUS = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"


def plan_of(name: str, account: str, region: str) -> Plan:
    """Return the plan of an environment; raises SystemExit if its settings are refused there."""
    try:
        declared = {stage.lower(): build() for stage, build in app.declared().items()}
        at_home = {
            other: found
            for other, found in declared.items()
            if other == name or (found.account, found.region) == (account, region)
        }
        return _plan(name, at_home, account=account, region=region)
    except ValueError as error:
        raise SystemExit(f"{name} cannot be deployed to {region}: {error}") from error


def _plan(name: str, at_home: Mapping[str, "Environment"], *, account: str, region: str) -> Plan:
    own, stage = at_home[name], name.capitalize()
    training = {"training": own.tuning.image} if own.tuning else {}
    images = {"serving": own.image, **training}
    on_aws = own.function_target is FunctionTarget.AWS  # The embedded AWS runs its own programs.
    return Plan(
        stage=stage,
        configured=(own.account, own.region),
        account=account,
        region=region,
        images=tuple(_image(use, image, region) for use, image in images.items() if on_aws),
        layer_arn=layer_arn(region) if on_aws else None,
        weights=_weights(own.model.weights, region),
        tuned_from=_weights(own.model.tuned_from, region) if own.tuning else None,
        archives=tuple(_archives(own)),
        staged=isinstance(own.model.weights, Staged),
        instance_types=tuple(sorted(_instance_types(own))) if on_aws else (),
        quotas=(*_quotas(at_home), *_instance_cpus(at_home)),
        reserved_executions={key: reserved_executions(found) for key, found in at_home.items()},
        fleet=_fleet(own),
        stacks=tuple(f"{stage}-{stack}" for stack in _stacks(own)),
        pipeline=f"{name}-training-fine-tune" if own.tuning else None,
    )


def _image(use: str, image: Image, region: str) -> ImageNeed:
    return ImageNeed(
        use, registry_account(region, image), image.repository, image.tag, image.digest
    )


def _weights(weights: "Weights | None", region: str) -> WeightsNeed | None:
    if isinstance(weights, JumpStartWeights):
        return WeightsNeed(weights.bucket_name(region), weights.key_prefix)
    return None


def _archives(environment: "Environment") -> Iterator[ArchiveNeed]:
    for adapter in environment.model.server.adapters:
        bucket, _, key = adapter.object_path.partition("/")
        yield ArchiveNeed(adapter.name, bucket, key)


def _fleet(environment: "Environment") -> Fleet:
    return Fleet(
        instance_type=environment.instance_type,
        smallest=environment.scaling.min_instances,
        largest=environment.scaling.max_instances,
    )


def _stacks(environment: "Environment") -> Iterator[str]:
    if isinstance(environment.model.weights, Staged):
        yield "Weights"
    yield from ("Serving", "Api")
    if environment.tuning:
        yield "Training"


def _instance_types(environment: "Environment") -> set[str]:
    tuning = environment.tuning
    if tuning is None:
        return {environment.instance_type}
    return {
        environment.instance_type,
        tuning.prepare_instance_type,
        tuning.training_instance_type,
        tuning.evaluation_instance_type,
    }


def _quotas(environments: Mapping[str, "Environment"]) -> Iterator[QuotaNeed]:
    """Yield what the environments need of each quota; one execution runs its jobs in turn."""
    needs: dict[str, dict[str, int]] = defaultdict(dict)
    for name, environment in environments.items():
        for quota, count in needed(environment).items():
            needs[quota][name] = count
    return (QuotaNeed(name=quota, by=by) for quota, by in needs.items())


def _instance_cpus(environments: Mapping[str, "Environment"]) -> Iterator[QuotaNeed]:
    """Yield what proxies on managed instances need of EC2, updates included."""
    hostings = {name: environment.api.hosting for name, environment in environments.items()}
    by = {
        name: hosting.max_instance_cpus
        for name, hosting in hostings.items()
        if isinstance(hosting, ManagedInstances)
    }
    if by:
        yield QuotaNeed(name=_INSTANCE_CPUS, by=by, service="ec2")


def needed(environment: "Environment") -> dict[str, int]:
    """Return how many instances an environment needs of each of SageMaker's quotas."""
    serving = {f"{environment.instance_type} for endpoint usage": environment.endpoint_quota}
    tuning = environment.tuning
    if tuning is None:
        return serving
    training = "spot training job" if tuning.managed_spot else "training job"
    return {
        **serving,
        f"{tuning.training_instance_type} for {training} usage": 1,
        f"{tuning.evaluation_instance_type} for processing job usage": 1,
        f"{tuning.prepare_instance_type} for processing job usage": 1,
    }


def reserved_executions(environment: "Environment") -> int:
    """Return how many of the account's executions the functions reserve."""
    if not environment.reserves_concurrency:
        return 0
    api = reserved_concurrency(environment.api, environment.max_concurrent_requests)
    return (api.proxy or 0) + (api.authorizer or 0) + (MAX_CONCURRENCY if environment.tuning else 0)
