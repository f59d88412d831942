"""Wrong configurations, by the settings that they are of: what is given, and what is said of it."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import aws_cdk as cdk

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import (
    FLAT_DAY,
    LLAMA_CPP,
    TGI,
    Adapter,
    ApiSettings,
    Approval,
    Authentication,
    CatalogEntry,
    Client,
    DataMode,
    Firewall,
    Fixed,
    FunctionTarget,
    GuardedUpdates,
    Image,
    JumpStartWeights,
    Limit,
    LogKeeping,
    ManagedInstances,
    Objective,
    PackagedWeights,
    PromptFormat,
    RequestLimits,
    RequestShape,
    StagedWeights,
    TargetTracking,
    Tgi,
    Tokenizer,
    TuningSettings,
    UpdateStrategy,
    Vllm,
    Workload,
    find_model,
)
from sagemaker_llm.common.names import lower_prefix
from stacks import environments
from stacks.environment import Environment

NAN, INFINITY = math.nan, math.inf
MISTRAL = "mistralai/Mistral-7B-Instruct-v0.1"
LIMITS = {"max_input_length": 1024, "max_total_tokens": 2048}
APP = cdk.App()
DEMO = Client(name="Demo")


def limits(**changes: Any) -> RequestLimits:
    return RequestLimits(**{**LIMITS, **changes})


def shape(**changes: Any) -> RequestShape:
    return RequestShape(**{"prompt_words": 128, "output_tokens": 128, **changes})


def workload(**changes: Any) -> Workload:
    given = {"peak_requests_per_second": 10, "mean_requests_per_second": 6}
    return Workload(**{"shapes": (shape(),), **given, **changes})


def objective(**changes: Any) -> Objective:
    return Objective(**{"milliseconds_per_token": 60, **changes})


def entry(**changes: Any) -> CatalogEntry:
    return replace(find_model("mistral-7b-instruct"), **changes)


def tuning(**changes: Any) -> TuningSettings:
    return TuningSettings(**{"base_model_id": MISTRAL, **changes})


def overrides(**values: Any) -> TuningSettings:
    return tuning(overrides=values)


def api(**changes: Any) -> ApiSettings:
    return ApiSettings(**{"clients": (DEMO,), **changes})


def environment(**changes: Any) -> Environment:
    placed = environments.prod(account="123456789012", region="eu-west-1")
    free = {"sizing": None, "model": entry()}  # nothing follows from a load
    return replace(placed, **{**free, **changes})


def chosen(strategy: UpdateStrategy, scaling: TargetTracking, **changes: Any) -> UpdateStrategy:
    return GuardedUpdates(strategy=strategy, **changes).chosen(scaling)


def settings(name: str, value: Any) -> Tgi:
    return Tgi(container_settings={name: value})


def batches(**changes: Any) -> CatalogEntry:
    return entry(limits=limits(), server=Tgi(**changes))


def adapters(*found: Adapter) -> CatalogEntry:
    return entry(server=Vllm(adapters=found))


def adapted(**changes: Any) -> Environment:
    one = TargetTracking()
    return environment(**{"model": adapters(adapter()), "scaling": one, **changes})


adapter = partial(Adapter, name="support", artifact="s3://tuned/support.tar.gz", rank=16)
client = partial(Client, name="Demo")
image = partial(Image, repository="tgi", tag="1.1.0")

Row = tuple[Callable[..., object], Mapping[str, Any], str]

# Each a number of the settings: what no number of that kind can be.
_WHOLE: list[tuple[Callable[..., object], str]] = [
    *((limits, name) for name in (*LIMITS, "max_concurrent_requests")),
    *((Tgi, f"max_batch_{name}_tokens") for name in ("prefill", "total")),
    (Tgi, "num_gpus"),
    (Vllm, "num_gpus"),
    (adapter, "rank"),
    (entry, "window"),
    *((TargetTracking, f"{name}_instances") for name in ("min", "max", "initial")),
    *((TargetTracking, f"scale_{way}_cooldown_seconds") for way in ("in", "out")),
    (GuardedUpdates, "step_instances"),
    (GuardedUpdates, "baking_seconds"),
    (api, "draining_seconds"),
    (Limit, "burst"),
    (client, "burst_limit"),
    (client, "daily_quota"),
    (Firewall, "requests_per_address"),
    *((tuning, name) for name in ("retrieval_trials", "sample_prompts", "max_new_tokens")),
    *((overrides, name) for name in ("epoch", "max_steps", "lora_r", "lora_alpha", "bits")),
    *((overrides, f"per_device_{use}_batch_size") for use in ("train", "eval")),
    *((overrides, name) for name in ("gradient_accumulation_steps", "max_input_length", "seed")),
    *((overrides, name) for name in ("eval_steps", "logging_steps", "early_stopping_patience")),
]
_BROKEN: list[tuple[Callable[..., object], str]] = [
    (TargetTracking, "target_concurrent_requests"),
    (GuardedUpdates, "max_error_share"),
    (GuardedUpdates, "max_time_to_first_token_seconds"),
    (Limit, "rate"),
    (client, "rate_limit"),
    *((tuning, name) for name in ("test_split", "min_loss_reduction", "min_retrieval_change")),
    *((overrides, name) for name in ("learning_rate", "warmup_ratio", "weight_decay")),
    *((overrides, name) for name in ("max_grad_norm", "lora_dropout", "validation_split")),
    (overrides, "early_stopping_threshold"),
]


def no_numbers() -> Iterator[Row]:
    """Yield each number of the settings with what is no such number."""
    for make, name in _WHOLE:
        for value in (True, 1.5, "8", NAN):
            yield make, {name: value}, rf"{name}.* must be a whole number, got"
    for make, name in _BROKEN:
        for value in (True, "0.5", NAN, INFINITY, -INFINITY):
            yield make, {name: value}, rf"{name}.* must be a finite number, got"


_ARCHIVE = "artifact must be the s3:// address of a .tar.gz archive in a bucket of the account"

WRONG: list[Row] = [
    # Adapters.
    (adapter, {"rank": 513}, "rank must be from 1 to 512, got 513"),
    (adapter, {"name": "Support"}, "name must be at most 30 lower-case letters and digits"),
    (adapter, {"artifact": "s3://tuned/support/"}, _ARCHIVE),
    (adapter, {"artifact": "s3://tuned/*.tar.gz"}, _ARCHIVE),
    (adapter, {"artifact": "https://tuned.s3.amazonaws.com/support.tar.gz"}, _ARCHIVE),
    (adapter, {"artifact": "s3://jumpstart-cache-prod-us-east-1/a.tar.gz"}, _ARCHIVE),
    (
        partial(Tgi, adapters=(adapter(),)),
        {},
        r"adapters must be left out with TGI 1.1.0, got \['support'\]",
    ),
    (
        partial(Vllm, adapters=(adapter(), adapter(rank=8))),
        {},
        r"adapters must have names of their own, got \['support'\] twice",
    ),
    (
        partial(Vllm, adapters=tuple(adapter(name=f"a{n}") for n in range(17))),
        {},
        "adapters must be at most 16 of one endpoint, got 17",
    ),
    (
        partial(adapters, adapter(name="mistral-7b-instruct")),
        {},
        "adapters must have other names than their base, got 'mistral-7b-instruct'",
    ),
    (
        adapted,
        {
            "scaling": TargetTracking(min_instances=2, initial_instances=2, max_instances=2),
            "updates": GuardedUpdates(strategy=UpdateStrategy.CANARY),
        },
        "updates with adapters must be rolling or all-at-once: inference components have no canary",
    ),
    (
        adapted,
        {"scaling": TargetTracking(target_work_milliseconds=20_000)},
        "target_work_milliseconds must be None with adapters",
    ),
    (
        adapted,
        {"tuning": tuning(approval=Approval.APPROVED)},
        "approval must be PendingManualApproval with adapters, .* got Approved",
    ),
    (
        TargetTracking,
        {"target_work_milliseconds": 60_001},
        "target_work_milliseconds must be above 0 and at most 60000, got 60001",
    ),
    # The server's limits.
    (limits, {"max_input_length": 0}, "max_input_length must be from 1 to 1048576, got 0"),
    (limits, {"max_input_length": 2048}, "max_input_length must be below max_total_tokens 2048"),
    (limits, {"max_total_tokens": 2**20 + 1}, "max_total_tokens must be from 1 to 1048576, got"),
    (batches, {"max_batch_prefill_tokens": 1023}, "must be at least max_input_length 1024, got"),
    (
        Tgi,
        {"max_batch_prefill_tokens": 2**32},
        "max_batch_prefill_tokens must be from 1 to 4294",
    ),
    (batches, {"max_batch_total_tokens": 2047}, "max_batch_total_tokens must be at least .* 2048"),
    (Tgi, {"max_batch_total_tokens": -1}, "max_batch_total_tokens must be from 1 to"),
    (limits, {"max_concurrent_requests": 0}, "must be from 1 to 10000, got 0"),
    (limits, {"max_concurrent_requests": 10_001}, "must be from 1 to 10000, got 10001"),
    # A load.
    (shape, {"prompt_words": 0}, "prompt_words must be from 1 to 1048576, got 0"),
    (shape, {"output_tokens": 0}, "output_tokens must be from 1 to 1048576, got 0"),
    (shape, {"share": 0}, "share must be above 0 and at most 1, got 0"),
    (workload, {"shapes": (shape(share=0.4),)}, "shares of shapes must add up to 1, got 0.4"),
    (workload, {"shapes": ()}, "shares of shapes must add up to 1, got 0"),
    (workload, {"peak_requests_per_second": 0}, "must be above 0 and at most 100000, got 0"),
    (workload, {"mean_requests_per_second": 11}, "peak_requests_per_second 10, got 11"),
    (workload, {"mean_requests_per_second": 4}, "from 5, which is the mean .* got 4"),
    (workload, {"daily_curve": (1.0,) * 23}, "daily_curve must have 24 values"),
    (workload, {"daily_curve": (0.9,) * 24}, "the greatest of them 1, got"),
    (workload, {"daily_curve": (*FLAT_DAY[1:], 1.1)}, r"daily_curve\[23\] must be from 0 to 1"),
    (workload, {"timezone": "Zurich!"}, "timezone must be an IANA name"),
    (workload, {"burst": 0.9}, "burst must be from 1 to 10, got 0.9"),
    (workload, {"surge": 0}, "surge must be from 1 to 100, got 0"),
    (Objective, {"milliseconds_per_token": 0}, "milliseconds_per_token must be above 0"),
    (objective, {"time_to_first_token_seconds": 480}, "must be above 0 and below 480, got 480"),
    (objective, {"share": 0.98}, "share must be one of 0.9, 0.95, 0.99, 0.999, got 0.98"),
    (Fixed, {"value": 0, "reason": "one may fail at least"}, "value must be above 0"),
    (Fixed, {"value": 2, "reason": "why"}, "reason must be a reason of 10 to 200 characters"),
    # A model of the catalog.
    (entry, {"model_id": "Mistral"}, "model_id must be at most 30 lower-case letters"),
    (entry, {"model_id": "a--b"}, "model_id must be .*, got 'a--b'"),
    (entry, {"model_id": "mistral\n"}, "model_id must be"),
    (entry, {"model_id": "m" * 31}, "model_id must be at most 30"),
    (entry, {"model_id": 7}, "model_id must be a text, got 7"),
    (Tgi, {"num_gpus": 0}, "num_gpus must be one of 1, 2, 4, 8, got 0"),
    (Vllm, {"num_gpus": 3}, "num_gpus must be one of 1, 2, 4, 8, got 3"),
    (Vllm, {"gpu_memory_utilization": 0.99}, "must be from 0.1 to 0.98, got 0.99"),
    (
        entry,
        {"window": 8191},
        "max_total_tokens of .* must fit its window of 8191 tokens, got 8192",
    ),
    (entry, {"limits": LIMITS}, "limits must be of type RequestLimits, got"),
    (entry, {"weights": "s3://bucket"}, "weights must be of type JumpStartWeights or of"),
    (entry, {"prompt_format": "mistral-instruct"}, "prompt_format must be one of NONE, MISTRAL"),
    (entry, {"tokenizer": "tekken"}, "tokenizer must be one of MISTRAL_V1, .* of Tokenizer"),
    (Tgi, {"needs_flash_attention_2": 1}, "needs_flash_attention_2 must be True or False, got 1"),
    (Tgi, {"container_settings": ["A=1"]}, "container_settings must be of type Mapping, got"),
    *(
        (partial(settings, name, value), {}, words)
        for name, value, words in (
            ("MAX_WAITING_TOKENS", 2, r"container_settings\['MAX_WAITING_TOKENS'\] must be a text"),
            ("MAX_WAITING_TOKENS", "two", "container_settings must be a whole number"),
            ("MAX_WAITING_TOKENS", "0", "of container_settings must be from 1 to 10000"),
            ("MAX_BEST_OF", "1", "got 'MAX_BEST_OF', .* whose default the API needs"),
            ("MAX_STOP_SEQUENCES", "4", "container_settings must be of .*, got 'MAX_STOP_SEQUENC"),
            ("MAX_TOP_N_TOKENS", "5", "container_settings must be of .*, got 'MAX_TOP_N_TOKENS'"),
            ("SHARDED", "true", "must leave SHARDED to the entry's own fields"),
            ("USE_FLASH_ATTENTION", "false", "USE_FLASH_ATTENTION .* must be left out where"),
            ("MAX_BATCH_SIZE", "4", "container_settings must be of .*, got 'MAX_BATCH_SIZE'"),
            ("MAX_CONCURRENT_REQUESTS", "4", "must leave MAX_CONCURRENT_REQUESTS to"),
            ("NUM_SHARD", "1", "must leave NUM_SHARD to the entry's own fields"),
            ("QUANTIZE", "int8", "QUANTIZE of container_settings must be one of awq"),
            ("DTYPE", "float32", "DTYPE of container_settings must be one of bfloat16, float16"),
            ("TRUST_REMOTE_CODE", "yes", "must be one of true, false, got 'yes'"),
            ("CUDA_MEMORY_FRACTION", "1.5", "must be above 0 and at most 1, got 1.5"),
            ("CUDA_MEMORY_FRACTION", "nan", "must be a finite number, got 'nan'"),
            ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "3601", "must be from 1 to 3600, got 3601"),
            ("ROPE_SCALING", "linear", "ROPE_SCALING and ROPE_FACTOR .* must be given together"),
            ("MODEL_CACHE_ROOT", "/a\n/b", "must be 1 to 1024 printable ASCII characters"),
            ("HUGGING_FACE_HUB_TOKEN", "x", "container_settings must be of"),
        )
    ),
    *(
        (
            Tgi,
            {"container_settings": {"DTYPE": "float16", name: "awq"}},
            f"must have one of DTYPE, QUANTIZE, HF_MODEL_QUANTIZE .*, got DTYPE, {name}",
        )
        for name in ("QUANTIZE", "HF_MODEL_QUANTIZE")
    ),
    *(
        (Vllm, {"container_settings": {name: value}}, f"container_settings must be of .*'{name}'")
        for name, value in (
            ("SM_VLLM_MAX_LOGPROBS", "20"),
            ("SM_VLLM_MAX_NUM_BATCHED_TOKENS", "8192"),
            ("SM_VLLM_TOKENIZER_MODE", "mistral"),
        )
    ),
    (JumpStartWeights, {"key_prefix": "/models/v1/"}, "key_prefix must be like 'folder/weights"),
    (JumpStartWeights, {"key_prefix": "models/v1"}, "key_prefix must be like"),
    (JumpStartWeights, {"key_prefix": "models/*/"}, "key_prefix must be like"),
    (JumpStartWeights, {"key_prefix": "models/../"}, "key_prefix must be like"),
    (JumpStartWeights, {"key_prefix": "a/" * 451}, "key_prefix must be like"),
    (StagedWeights, {"repository": "MistralLite"}, "repository must be like 'owner/name'"),
    (StagedWeights, {"repository": "a/b c"}, "repository must be like 'owner/name'"),
    (StagedWeights, {"repository": "a/b--c"}, "repository must be like 'owner/name'"),
    (StagedWeights, {"repository": "a/" + "b" * 96}, "repository must be like 'owner/name'"),
    (StagedWeights, {"repository": "a/b", "revision": "main"}, "revision must be a commit of 40"),
    (PackagedWeights, {"hf_model_id": ""}, "hf_model_id must be like 'owner/name'"),
    # An image.
    (image, {"repository": "TGI"}, "repository must be the repository's name in ECR"),
    (image, {"repository": ""}, "repository must be the repository's name in ECR"),
    (image, {"tag": ""}, "tag must be a tag: 1 to 128 letters"),
    (image, {"tag": "a b"}, "tag must be a tag"),
    (image, {"tag": "t" * 129}, "tag must be a tag"),
    (image, {"digest": "latest"}, "digest must be 'sha256:' and 64 hexadecimal digits"),
    # The fleet.
    (TargetTracking, {"min_instances": 0}, "min_instances must be from 1 to 1000, got 0"),
    (
        TargetTracking,
        {"min_instances": 2},
        "min_instances must be from 1 to max_instances 1, got 2",
    ),
    (TargetTracking, {"max_instances": 1001}, "max_instances must be from 1 to 1000, got 1001"),
    (TargetTracking, {"initial_instances": 2}, "initial_instances must be from 1 to max_instances"),
    (TargetTracking, {"target_concurrent_requests": 0}, "must be above 0 and below 10000, got 0"),
    (TargetTracking, {"target_concurrent_requests": -8}, "must be above 0 and below 10000, got -8"),
    (TargetTracking, {"scale_in_cooldown_seconds": -1}, "must be from 0 to 86400, got -1"),
    (TargetTracking, {"scale_out_cooldown_seconds": 86_401}, "must be from 0 to 86400, got 86401"),
    (GuardedUpdates, {"step_instances": 0}, "step_instances must be from 1 to 1000, got 0"),
    (GuardedUpdates, {"baking_seconds": 0}, "baking_seconds must be from 1 to 3600, got 0"),
    (GuardedUpdates, {"baking_seconds": 3601}, "baking_seconds must be from 1 to 3600, got 3601"),
    (GuardedUpdates, {"max_error_share": 0}, "max_error_share must be above 0 and below 1, got 0"),
    (GuardedUpdates, {"max_error_share": 1}, "max_error_share must be above 0 and below 1, got 1"),
    (
        GuardedUpdates,
        {"max_time_to_first_token_seconds": 480},
        "must be above 0 and below 480, got",
    ),
    (GuardedUpdates, {"strategy": "rolling"}, "strategy must be one of ALL_AT_ONCE, CANARY, ROLL"),
    (
        partial(chosen, UpdateStrategy.CANARY, TargetTracking(max_instances=4)),
        {},
        "updates by canary need min_instances",
    ),
    (
        partial(
            chosen,
            UpdateStrategy.ROLLING,
            TargetTracking(min_instances=2, max_instances=4, initial_instances=2),
        ),
        {"baking_seconds": 3600},
        "waits of less than 10800 seconds in all, got 4 of 3600",
    ),
    # Callers.
    (Limit, {"rate": 0}, "rate must be above 0 and at most 5000, got 0"),
    (Limit, {"rate": 41}, "burst must be at least rate 41, got 40"),
    (Limit, {"burst": 5001}, "burst must be from 1 to 5000, got 5001"),
    (client, {"name": "demo"}, "name of a client must be in PascalCase, .* got 'demo'"),
    (client, {"name": "De mo"}, "name of a client must be in PascalCase"),
    (client, {"name": "D" * 65}, "name of a client must be in PascalCase, of at most 64"),
    (client, {"name": "Démo"}, "name of a client must be in PascalCase"),
    (client, {"name": None}, "name of a client must be a text, got None"),
    (client, {"rate_limit": -1}, "rate_limit of client Demo must be above 0"),
    (client, {"rate_limit": 21}, "burst_limit of client Demo must be at least its rate_limit 21"),
    (client, {"daily_quota": 19}, "daily_quota of client Demo must be from its burst_limit 20"),
    (client, {"daily_quota": 864_021}, "to the 864020 requests that its rate_limit lets through"),
    (client, {"daily_quota": 2**31}, "daily_quota of client Demo must be from 1 to 2147483647"),
    (Firewall, {"requests_per_address": 9}, "must be from 10 to 2000000000, got 9"),
    (Firewall, {"requests_per_address": 2_000_000_001}, "must be from 10 to 2000000000, got"),
    (api, {"clients": ()}, r"clients must be one or more, each named once, got \[\]"),
    (api, {"clients": [DEMO]}, r"clients must be of type tuple, got \["),
    (api, {"clients": (DEMO, DEMO)}, r"each named once, got \['Demo', 'Demo'\]"),
    (api, {"clients": ("Demo",)}, r"clients\[0\] must be of type Client, got 'Demo'"),
    (api, {"authentication": "iam"}, "authentication must be one of KEYS, IAM of Authentication"),
    (api, {"authentication": Authentication.IAM}, "clients must be empty with IAM"),
    (api, {"authentication": Authentication.IAM, "clients": (), "playground": True}, "needs keys"),
    (api, {"control_tokens": "drop"}, "control_tokens must be one of ESCAPE, REFUSE"),
    (api, {"playground": "yes"}, "playground must be True or False, got 'yes'"),
    (api, {"model_aliases": ("Mistral",)}, r"model_aliases\[0\] must be at most 30 lower-case"),
    (api, {"reserved_concurrency": 0}, "reserved_concurrency must be from 1 to 100000, got 0"),
    (api, {"reserved_concurrency": True}, "must be of type int or one of DERIVED, NONE of Reserv"),
    (api, {"reserved_concurrency": None}, "must be of type int or one of DERIVED, NONE of Reserv"),
    (api, {"firewall": Firewall(requests_per_address=10)}, "must be at least the 3020 requests"),
    (api, {"firewall": 2000}, "firewall must be of type Firewall, got 2000"),
    (api, {"iam_limit": 20}, "iam_limit must be of type Limit, got 20"),
    # Fine-tuning.
    (tuning, {"base_model_id": ""}, "base_model_id must be 1 to 256 letters"),
    (tuning, {"base_model_id": "a\nb"}, "base_model_id must be 1 to 256 letters"),
    (tuning, {"base_model_id": "mine (v2)"}, "base_model_id must be .* the registry takes no oth"),
    (tuning, {"base_model_license": "l" * 257}, "base_model_license must be one line of text"),
    (tuning, {"mode": "chat"}, "mode must be one of INSTRUCTION, DOMAIN of DataMode, got 'chat'"),
    (tuning, {"approval": "Approved"}, "approval must be one of APPROVED, PENDING of Approval"),
    (tuning, {"managed_spot": 1}, "managed_spot must be True or False, got 1"),
    (tuning, {"image": "tgi"}, "image must be of type Image, got 'tgi'"),
    (tuning, {"prepare_instance_type": "m5.large"}, "prepare_instance_type must be an instance t"),
    (tuning, {"prepare_instance_type": "ml.p4d.24xlarge"}, "SageMaker has for processing jobs"),
    (tuning, {"training_instance_type": "ml.m5.large"}, "with GPUs that compute in bfloat16"),
    (tuning, {"training_instance_type": "ml.g4dn.12xlarge"}, "with GPUs that compute in bfloat16"),
    (tuning, {"training_instance_type": "ml.g5.3xlarge"}, "training_instance_type must be an"),
    (tuning, {"training_instance_type": "ml.g5.2xlarge"}, "takes 125.4 GiB of each GPU"),
    (
        tuning,
        {"training_instance_type": "ml.g5.xlarge", "overrides": {"peft_type": "lora"}},
        "the training takes 16.5 GiB of the host, ml.g5.xlarge has 16.0",
    ),
    (
        tuning,
        {"evaluation_instance_type": "ml.m5.xlarge"},
        "evaluation_instance_type must be an in",
    ),
    (tuning, {"evaluation_instance_type": "ml.p4d.24xlarge"}, "SageMaker has for processing jobs"),
    (tuning, {"evaluation_instance_type": "ml.g5.xlarge"}, "the evaluation takes .* of the host"),
    (tuning, {"test_split": 0}, "test_split must be above 0: the evaluation and the gate"),
    (tuning, {"test_split": 1}, "test_split must be at least 0 and below 1, got 1"),
    (tuning, {"test_split": -0.1}, "test_split must be at least 0 and below 1, got -0.1"),
    (tuning, {"test_split": 0.8}, "must be below 1 together, or nothing is left to train on"),
    (tuning, {"retrieval_lengths": ""}, "retrieval_lengths must be different items with commas"),
    (tuning, {"retrieval_lengths": "1024,"}, "retrieval_lengths must be different items"),
    (tuning, {"retrieval_lengths": "1024, 2048"}, "retrieval_lengths must be different items"),
    (tuning, {"retrieval_lengths": "1024,1024"}, "retrieval_lengths must be different items"),
    (tuning, {"retrieval_lengths": "long"}, "each from 128 to 131072, got 'long'"),
    (tuning, {"retrieval_lengths": "127"}, "each from 128 to 131072, got '127'"),
    (tuning, {"retrieval_lengths": "1024,32769"}, "must fit the base model's window of 32768"),
    (tuning, {"retrieval_trials": 0}, "retrieval_trials must be from 1 to 1000, got 0"),
    (tuning, {"sample_prompts": 1001}, "sample_prompts must be from 1 to 1000, got 1001"),
    (tuning, {"max_new_tokens": 0}, "max_new_tokens must be from 1 to 8192, got 0"),
    (tuning, {"min_loss_reduction": 0}, "min_loss_reduction must be above 0 and below 1, got 0"),
    (tuning, {"min_loss_reduction": 1}, "min_loss_reduction must be above 0 and below 1, got 1"),
    (tuning, {"min_retrieval_change": -1.1}, "min_retrieval_change must be from -1 to 1, got -1.1"),
    (tuning, {"overrides": [("epoch", 1)]}, "overrides must be of type Mapping"),
    (overrides, {"epochs": 3}, "overrides must be of .*, got 'epochs'"),
    (overrides, {"epoch": 0}, "epoch must be from 1 to 1000, got 0"),
    (overrides, {"epoch": 1001}, "epoch must be from 1 to 1000, got 1001"),
    (overrides, {"max_steps": 0}, "max_steps must be from 1 to 1000000, or -1 for the default"),
    (overrides, {"learning_rate": -1e-5}, "learning_rate must be above 0 and below 1, got -1e-05"),
    (overrides, {"learning_rate": 1}, "learning_rate must be above 0 and below 1, got 1"),
    (overrides, {"lr_scheduler_type": "step"}, "lr_scheduler_type must be one of constant_with_"),
    (overrides, {"warmup_ratio": 1}, "warmup_ratio must be at least 0 and below 1, got 1"),
    (overrides, {"weight_decay": -0.1}, "weight_decay must be from 0 to 1, got -0.1"),
    (overrides, {"max_grad_norm": 0}, "max_grad_norm must be above 0 and at most 1000, got 0"),
    (overrides, {"peft_type": "qlora"}, "peft_type must be one of None, lora, got 'qlora'"),
    (overrides, {"bits": 4}, "bits 4 needs peft_type lora"),
    (overrides, {"bits": 8}, "bits must be one of 4, 16, got 8"),
    (overrides, {"quant_type": "int4"}, "quant_type must be one of nf4, fp4, got 'int4'"),
    (overrides, {"double_quant": True}, "double_quant must be the text 'True' or 'False', got Tr"),
    (overrides, {"bf16": "yes"}, "bf16 must be the text 'True' or 'False', got 'yes'"),
    (overrides, {"lora_r": 0}, "lora_r must be from 1 to 1024, got 0"),
    (overrides, {"lora_dropout": 1}, "lora_dropout must be at least 0 and below 1, got 1"),
    (overrides, {"target_modules": "w1"}, "target_modules must be different items .* q_proj"),
    (overrides, {"target_modules": "q_proj,q_proj"}, "target_modules must be different items"),
    (overrides, {"target_modules": ""}, "target_modules must be different items"),
    (overrides, {"validation_split": 0.9}, "validation_split and test_split must be below 1 toget"),
    (overrides, {"max_input_length": 32_769}, "must fit the base model's window of 32768 tokens"),
    (overrides, {"max_input_length": -2}, "max_input_length must be from 1 to 131072, or -1"),
    (overrides, {"gradient_accumulation_steps": 2}, "must be 1 for full tuning on several GPUs"),
    (overrides, {"per_device_train_batch_size": 0}, "must be from 1 to 1000, got 0"),
    (overrides, {"seed": -1}, "seed must be from 0 to 4294967295, got -1"),
    (overrides, {"instruction_tuned": "True"}, "instruction_tuned follows from mode"),
    # Names of resources.
    *(
        (partial(lower_prefix, APP, given, max_length=8), {}, words)
        for given, words in (
            ("a_b", "name_prefix must be lower-case letters and digits, with hyphens between"),
            ("-ab", "name_prefix must be lower-case letters and digits"),
            ("Prod", "name_prefix must be lower-case letters and digits"),
            ("", "name_prefix must be lower-case letters and digits"),
            ("a" * 9, "name_prefix must be of at most 8 characters, got 'aaaaaaaaa'"),
        )
    ),
    # Logs, and an environment as a whole.
    (
        LogKeeping,
        {"retention": 30},
        "retention must be one of ONE_DAY, .* of RetentionDays, got 30",
    ),
    (
        LogKeeping,
        {"removal_policy": cdk.RemovalPolicy.SNAPSHOT},
        "removal_policy must be RETAIN or",
    ),
    (environment, {"account": "12345678901"}, "account must be 12 digits, got '12345678901'"),
    (environment, {"account": 123456789012}, "account must be a text, got 123456789012"),
    (environment, {"account": "١٢٣٤٥٦٧٨٩٠١٢"}, "account must be 12 digits"),
    (environment, {"account": None}, "account and region must be given together"),
    (environment, {"region": "eu-west-9"}, "region must be one that AWS keeps the image hugg"),
    (environment, {"instance_type": "g5.2xlarge"}, "instance_type must start with 'ml.'"),
    (
        environment,
        {"instance_type": "ml.m5.large"},
        "instance_type must be of a family that serves models",
    ),
    (environment, {"instance_type": "ml.g4dn.xlarge"}, "needs flash attention 2"),
    (environment, {"instance_type": None}, "instance_type must be a text, got None"),
    (environment, {"model": "mistral-7b"}, "model must be of type CatalogEntry, got 'mistral-7b'"),
    (
        environment,
        {"model": entry(server=Tgi(num_gpus=2))},
        "must have the 2 GPUs that .* is split over",
    ),
    (
        environment,
        {"model": entry(limits=limits(max_concurrent_requests=8))},
        "must be below the ma",
    ),
    (
        environment,
        {"model": entry(limits=limits(max_total_tokens=12_289))},
        "max_total_tokens of .* must be at most 12288 with TGI 1.1.0",
    ),
    (
        environment,
        {"model": entry(tokenizer=Tokenizer.SMOLLM2, prompt_format=PromptFormat.CHATML)},
        "tokenizer of .* must be one that the functions on AWS carry, got 'smollm2'",
    ),
    (
        environment,
        {"scaling": TargetTracking(target_concurrent_requests=128)},
        "target_concurrent_requests must be below the max_concurrent_requests of the model, 128",
    ),
    (
        environment,
        {"api": api(clients=(client(burst_limit=600),))},
        "burst of client Demo must be at most the 564 executions",
    ),
    (
        environment,
        {"model": entry(window=8192), "tuning": tuning(retrieval_lengths="8193")},
        "retrieval_lengths must fit the base model's window of 8192 tokens, got 8193",
    ),
    (
        environment,
        {"data_removal_policy": cdk.RemovalPolicy.SNAPSHOT},
        "data_removal_policy must b",
    ),
    (
        environment,
        {"function_target": "aws"},
        "function_target must be one of AWS, LOCAL of Functi",
    ),
    (
        environment,
        {"function_target": FunctionTarget.LOCAL, "api": api(hosting=ManagedInstances())},
        r"hosting must be OnDemand\(\) where functions run on this machine",
    ),
    (environment, {"api": api(model_aliases=("mine", "mine"))}, "model_aliases must be named once"),
    (adapted, {"api": api(model_aliases=(adapter().name,))}, "not as the model or an adapter"),
    (api, {"other_server": "vllm"}, "other_server must be of type Server, got 'vllm'"),
    (environment, {"api": api(other_server=TGI)}, r"got TGI 1\.1\.0 beside TGI 1\.1\.0"),
    (environment, {"api": api(other_server=LLAMA_CPP)}, r"got llama\.cpp beside TGI 1\.1\.0"),
    (
        adapted,
        {"api": api(other_server=TGI)},
        "other_server must be None for a model with adapters",
    ),
    (environment, {"allow_unlisted_region": "no"}, "allow_unlisted_region must be True or False"),
]

# Each at a bound that a wrong one is just beyond.
RIGHT: list[tuple[Callable[..., object], Mapping[str, Any]]] = [
    (adapter, {"rank": 512}),
    (adapted, {}),
    (limits, {"max_input_length": 1}),
    (limits, {"max_input_length": 1024, "max_total_tokens": 1025}),
    (limits, {"max_total_tokens": 2**20}),
    (batches, {"max_batch_prefill_tokens": 2**32 - 1}),
    (batches, {"max_batch_total_tokens": 2048}),
    (limits, {"max_concurrent_requests": 1}),
    (limits, {"max_concurrent_requests": 10_000}),
    (entry, {"model_id": "m" * 30}),
    (entry, {"window": 8192}),
    (entry, {"window": None}),
    (Tgi, {"num_gpus": 8}),
    (Vllm, {"num_gpus": 8, "gpu_memory_utilization": 0.98}),
    (partial(settings, "MAX_WAITING_TOKENS", "1"), {}),
    (partial(settings, "USE_FLASH_ATTENTION", "true"), {}),
    (
        Tgi,
        {
            "needs_flash_attention_2": False,
            "container_settings": {"USE_FLASH_ATTENTION": "false"},
        },
    ),
    (partial(settings, "CUDA_MEMORY_FRACTION", "1"), {}),
    (partial(settings, "SAGEMAKER_MODEL_SERVER_TIMEOUT", "3600"), {}),
    (Tgi, {"container_settings": {"ROPE_SCALING": "linear", "ROPE_FACTOR": "2.0"}}),
    (JumpStartWeights, {"key_prefix": "a/" * 450}),
    (StagedWeights, {"repository": "a/" + "b" * 90, "revision": "0a" * 20}),
    (StagedWeights, {"repository": "mistralai/Mistral-7B-v0.1"}),
    (image, {"repository": "org/tgi-x.y_z", "tag": "t" * 128, "digest": f"sha256:{'0' * 64}"}),
    (TargetTracking, {"max_instances": 1000, "min_instances": 1000}),
    (TargetTracking, {"scale_in_cooldown_seconds": 0, "scale_out_cooldown_seconds": 86_400}),
    (TargetTracking, {"target_concurrent_requests": 0.5}),
    (GuardedUpdates, {"baking_seconds": 3600, "step_instances": 1000}),
    (GuardedUpdates, {"baking_seconds": 1, "max_error_share": 0.999}),
    (GuardedUpdates, {"max_time_to_first_token_seconds": 479.9}),
    (Limit, {"rate": 40, "burst": 40}),
    (Limit, {"rate": 5000, "burst": 5000}),
    (client, {"name": "D" * 64, "rate_limit": 20}),
    (client, {"daily_quota": 20}),
    (client, {"daily_quota": 864_020}),
    (Firewall, {"requests_per_address": 10}),
    (Firewall, {"requests_per_address": 2_000_000_000}),
    (api, {"firewall": Firewall(requests_per_address=3020)}),
    (api, {"reserved_concurrency": 1}),
    (api, {"reserved_concurrency": 100_000}),
    (tuning, {"base_model_id": "m" * 256, "base_model_license": "l" * 256}),
    (tuning, {"base_model_license": "Our own (c) licence; see $HOME"}),
    (tuning, {"mode": DataMode.DOMAIN, "managed_spot": True}),
    (tuning, {"prepare_instance_type": "ml.t3.medium"}),
    (tuning, {"prepare_instance_type": "ml.g5.xlarge"}),
    (tuning, {"training_instance_type": "ml.p4d.24xlarge"}),
    (tuning, {"training_instance_type": "ml.g5.2xlarge", "overrides": {"peft_type": "lora"}}),
    (tuning, {"evaluation_instance_type": "ml.p5.4xlarge"}),
    (tuning, {"test_split": 0.79}),
    (tuning, {"retrieval_lengths": "128,32768", "evaluation_instance_type": "ml.g6e.2xlarge"}),
    (tuning, {"retrieval_trials": 1000, "sample_prompts": 1, "max_new_tokens": 8192}),
    (tuning, {"min_loss_reduction": 0.999, "min_retrieval_change": -1}),
    (tuning, {"min_retrieval_change": 1}),
    (overrides, {"epoch": 1000, "max_steps": 1, "seed": 0}),
    (overrides, {"max_steps": -1, "max_input_length": -1, "seed": 2**32 - 1}),
    (overrides, {"learning_rate": 1e-9, "warmup_ratio": 0, "weight_decay": 1}),
    (overrides, {"peft_type": "lora", "bits": 4, "lora_r": 1024, "lora_dropout": 0.99}),
    (overrides, {"target_modules": "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"}),
    (overrides, {"validation_split": 0}),
    (overrides, {"validation_split": 0.89}),
    (environment, {"account": "000000000000"}),
    (environment, {"scaling": TargetTracking(target_concurrent_requests=127.9)}),
    (environment, {"model": entry(limits=limits(max_total_tokens=12_288))}),
    (environment, {"api": api(clients=(client(burst_limit=148),)), "scaling": TargetTracking()}),
    (environment, {"function_target": FunctionTarget.LOCAL}),
]
