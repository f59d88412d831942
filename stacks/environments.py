"""The environments: what differs between them, and nothing else."""

from dataclasses import dataclass, field, replace
from typing import Annotated

import aws_cdk as cdk
import aws_cdk.aws_logs as logs

from sagemaker_llm import (
    ApiSettings,
    Approval,
    CatalogEntry,
    Client,
    FileWeights,
    Firewall,
    FunctionTarget,
    GuardedUpdates,
    Image,
    LogKeeping,
    Reservation,
    Sizing,
    StagedGguf,
    TargetTracking,
    TuningSettings,
    cheapest_hosting,
    find_model,
)
from sagemaker_llm.api.concurrency import reserved_concurrency
from sagemaker_llm.api.proxy import check_function_target
from sagemaker_llm.common.log_keeping import check_removal_policy
from sagemaker_llm.models.checked import Checked, Pattern, RefusedValueError
from sagemaker_llm.models.images import registry_account
from sagemaker_llm.models.servers.llama_cpp import LLAMA_CPP, LlamaCpp
from sagemaker_llm.serving.components import check_components

from . import loads
from .regions import check_region

_ACCOUNT = Pattern(r"[0-9]{12}", "12 digits")


@dataclass(frozen=True, kw_only=True)
class Environment(Checked):
    """The configuration of one environment; without account and region it deploys to any."""

    account: Annotated[str, _ACCOUNT] | None  # of accounts.toml; None: that of the credentials
    region: str | None  # likewise
    model: CatalogEntry  # of the catalog, or an entry of your own
    instance_type: str  # of the endpoint, one that the model's server runs on
    scaling: TargetTracking
    api: ApiSettings
    # None: it fine-tunes nothing, and has no stack for that.
    tuning: TuningSettings | None
    log_keeping: LogKeeping
    # What becomes of buckets, their key, and the registry's group when the stack is deleted.
    data_removal_policy: cdk.RemovalPolicy
    # CloudFormation then refuses to delete a stack, until somebody takes the protection away.
    termination_protection: bool = False
    updates: GuardedUpdates = field(default_factory=GuardedUpdates)
    # None: the server's own. It is for pinning a digest: see `make image`.
    serving_image: Image | None = None
    # Such a region may lack an image, the layer, the weights or the instances: `make preflight`
    # looks, where the region is not of `KNOWN_REGIONS`.
    allow_unlisted_region: bool = False
    function_target: FunctionTarget = FunctionTarget.AWS
    # What follows from the load that is declared; None: nothing is, and all numbers are chosen.
    sizing: Sizing | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_location()
        check_removal_policy("data_removal_policy", self.data_removal_policy)
        self.model.server.check_instance_type(self.model, self.instance_type)
        self.model.server.check_image(self.model, self.image, self.instance_type)
        self.scaling.check_limits(self.model.limits)
        self.updates.chosen(self.scaling)
        if self.model.server.adapters:
            check_components(self.scaling, self.updates)
        reserved_concurrency(self.api, self.max_concurrent_requests)
        if self.tuning:
            self.tuning.check_model(self.model, self.instance_type)
        check_function_target(self.model, self.function_target)
        self.api.check_model(self.model)
        self._check_sizing()

    @property
    def image(self) -> Image:
        """The image that the endpoint runs."""
        return self.serving_image or self.model.server.image_for(self.instance_type)

    @property
    def max_concurrent_requests(self) -> int:
        """The requests that the endpoint admits at once when it is at its largest."""
        return self.scaling.max_instances * self.model.limits.max_concurrent_requests

    @property
    def endpoint_quota(self) -> int:
        """The instances that SageMaker's quota for endpoint usage must allow, updates included."""
        return self.updates.endpoint_quota(self.scaling)

    @property
    def reserves_concurrency(self) -> bool:
        """Whether the functions reserve a share of the account's Lambda concurrency."""
        return self.api.reserved_concurrency is not Reservation.NONE

    def _check_sizing(self) -> None:
        """Raise ValueError for numbers that neither follow from the load nor are fixed in it."""
        if self.sizing is None:
            return
        profile = self.sizing.load.profile
        if profile.instance_type != self.instance_type:
            raise RefusedValueError(
                f"instance_type must be {profile.instance_type}, which the profile {profile.name}"
                f" was measured on, got {self.instance_type!r}: measure it with `make bench`"
            )
        if profile.server != self.model.server.name:
            raise RefusedValueError(
                f"sizing must be from a profile of {self.model.server.title}, or None, got"
                f" {profile.name}, which was measured under {profile.server}"
            )
        scaling = self.scaling
        derived = TargetTracking.sized(self.sizing, initial_instances=scaling.initial_instances)
        if scaling != derived:
            raise RefusedValueError(
                f"scaling must be what follows from the load, {derived}, or fixed there with a"
                f" reason, got {scaling}"
            )
        admitted, limit = self.model.limits.max_concurrent_requests, self.sizing
        if admitted != limit.max_concurrent_requests:
            raise RefusedValueError(
                f"max_concurrent_requests must be {limit.max_concurrent_requests}, as follows from"
                f" the load, or fixed there with a reason, got {admitted}"
            )
        rates = sum(each.rate for each in self.api.limits.values())
        if rates > self.sizing.requests_per_second:
            raise RefusedValueError(
                "the rates of all clients must add up to at most the"
                f" {self.sizing.requests_per_second:.2f} requests/s that the largest fleet serves"
                f" as it is promised, got {rates:g}"
            )

    def _check_location(self) -> None:
        if (self.account is None) != (self.region is None):
            raise RefusedValueError(
                "account and region must be given together or not at all,"
                f" got {self.account!r} and {self.region!r}"
            )
        if self.region is not None:
            registry_account(self.region, self.image)
            if not self.allow_unlisted_region:
                check_region(self.region)


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


# What a laptop's two cores train in two or three minutes: short examples, few steps, an adapter.
_SMALL_TUNING = TuningSettings(
    base_model_id="HuggingFaceTB/SmolLM2-135M-Instruct",
    approval=Approval.APPROVED,
    overrides={
        "peft_type": "lora",
        "lora_r": 8,
        "learning_rate": 2e-3,
        "max_steps": 40,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "eval_steps": 20,
        "max_input_length": 96,
        "warmup_ratio": 0.0,
        "validation_split": 0.1,
        "gradient_checkpointing": "False",
    },
    retrieval_lengths="128",
    retrieval_trials=2,
    sample_prompts=2,
    max_new_tokens=16,
    # Retrieval is reported, not judged: what 40 steps leave of it in a model this small is chance.
    min_retrieval_change=-1.0,
)


# What tunes Mistral-7B on a hundred records: an adapter, and about fifty updates, where
# JumpStart's defaults make two.
_DEMONSTRATION = TuningSettings(
    base_model_id="mistralai/Mistral-7B-Instruct-v0.1",
    approval=Approval.APPROVED,
    overrides={
        "peft_type": "lora",
        "learning_rate": 2e-4,
        "epoch": 5,
        "gradient_accumulation_steps": 1,
    },
    # Four of the forty prompts of a task: the adapter has read nothing that is long.
    min_retrieval_change=-0.1,
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
        tuning=_SMALL_TUNING,
        log_keeping=LogKeeping(
            retention=logs.RetentionDays.ONE_DAY, removal_policy=cdk.RemovalPolicy.DESTROY
        ),
        data_removal_policy=cdk.RemovalPolicy.DESTROY,
        function_target=FunctionTarget.LOCAL,
    )


def dev(*, account: str | None, region: str | None) -> Environment:
    """Return the environment for trying things out on AWS: one instance."""
    sizing = loads.dev()
    return Environment(
        account=account,
        region=region,
        model=find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests),
        instance_type="ml.g5.2xlarge",
        sizing=sizing,
        scaling=TargetTracking.sized(sizing),
        updates=GuardedUpdates.sized(sizing),
        api=ApiSettings(
            clients=(Client.sized(sizing, name="Demo"),),
            hosting=cheapest_hosting(sizing),
            playground=True,
            # It must deploy into a new account, which may have no concurrency to reserve.
            reserved_concurrency=Reservation.NONE,
        ),
        tuning=_DEMONSTRATION,
        log_keeping=LogKeeping(retention=logs.RetentionDays.ONE_WEEK),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
    )


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
        tuning=_DEMONSTRATION,
        log_keeping=LogKeeping(retention=logs.RetentionDays.ONE_WEEK),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def staging(*, account: str | None, region: str | None) -> Environment:
    """Return the environment where a release is proven: prod's shape at its smallest."""
    sizing = loads.staging()
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
        tuning=_mistral_tuning(Approval.PENDING),
        log_keeping=LogKeeping(retention=logs.RetentionDays.ONE_MONTH),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def prod(*, account: str | None, region: str | None) -> Environment:
    """Return the environment that users call: two instances at least, so that one may fail."""
    sizing = loads.prod()
    return Environment(
        account=account,
        region=region,
        model=find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests),
        instance_type="ml.g5.2xlarge",
        sizing=sizing,
        scaling=TargetTracking.sized(sizing, initial_instances=2),
        updates=GuardedUpdates.sized(sizing),
        api=ApiSettings(
            clients=(Client.sized(sizing, name="Demo"),),
            firewall=Firewall(),
            hosting=cheapest_hosting(sizing),
        ),
        tuning=_mistral_tuning(Approval.PENDING),
        log_keeping=LogKeeping(retention=logs.RetentionDays.ONE_YEAR),
        data_removal_policy=cdk.RemovalPolicy.RETAIN,
        termination_protection=True,
    )


def _mistral_tuning(approval: Approval) -> TuningSettings:
    return TuningSettings(base_model_id="mistralai/Mistral-7B-Instruct-v0.1", approval=approval)
