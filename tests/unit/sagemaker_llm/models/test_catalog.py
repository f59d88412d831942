"""The catalog: each model exactly as its publisher says, and nothing that contradicts itself."""

import dataclasses

import pytest

from sagemaker_llm.models.catalog import CATALOG, CatalogEntry, find_model
from sagemaker_llm.models.limits import RequestLimits
from sagemaker_llm.models.prompts import PromptFormat, Tokenizer
from sagemaker_llm.models.servers.tgi import Tgi
from sagemaker_llm.models.weights import JumpStartWeights, StagedWeights

# of ours: without what clients wrote
_LOG_LEVEL = "info,text_generation_router::server=warn"
_JUMPSTART = {
    "HF_MODEL_ID": "/opt/ml/model",
    "SM_NUM_GPUS": "1",
    "MAX_INPUT_LENGTH": "8191",
    "MAX_TOTAL_TOKENS": "8192",
    "MAX_BATCH_PREFILL_TOKENS": "8191",
    "MAX_CONCURRENT_REQUESTS": "128",
    "ENDPOINT_SERVER_TIMEOUT": "3600",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT": "3600",
    "MODEL_CACHE_ROOT": "/opt/ml/model",
    "SAGEMAKER_ENV": "1",
    "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
}


@pytest.mark.parametrize(
    ("model_id", "prompt_format"),
    [("mistral-7b", "none"), ("mistral-7b-instruct", "mistral-instruct")],
)
def test_mistral_is_served_as_jumpstart_does(model_id: str, prompt_format: str) -> None:
    model = find_model(model_id)
    assert model.container_environment == {**_JUMPSTART, "LOG_LEVEL": _LOG_LEVEL}
    assert (model.prompt_format, model.tokenizer) == (prompt_format, "mistral-v1")
    assert model.weights == JumpStartWeights(
        key_prefix=f"huggingface-llm/huggingface-llm-{model_id}/artifacts/inference-prepack/v1.0.0/"
    )
    assert model.weights.bucket_name("eu-west-1") == "jumpstart-cache-prod-eu-west-1"


def test_mistrallite_is_served_as_its_vendors_notebook_does_on_tgi_1_1() -> None:
    model = find_model("mistrallite")
    assert model.container_environment == {
        "HF_MODEL_ID": "/opt/ml/model",
        "HF_TASK": "text-generation",
        "LOG_LEVEL": _LOG_LEVEL,
        "SM_NUM_GPUS": "1",
        "MAX_INPUT_LENGTH": "12000",
        "MAX_TOTAL_TOKENS": "12288",
        "MAX_BATCH_PREFILL_TOKENS": "12288",
        "MAX_BATCH_TOTAL_TOKENS": "12288",
        "MAX_CONCURRENT_REQUESTS": "128",
    }
    assert (model.prompt_format, model.tokenizer) == ("mistrallite", "mistrallite")
    assert model.weights == StagedWeights(repository="amazon/MistralLite")


@pytest.mark.parametrize("model", CATALOG.values(), ids=CATALOG.keys())
def test_window_fits_the_shared_memory_of_paged_attention_v1(model: CatalogEntry) -> None:
    assert 4 * model.limits.max_total_tokens <= 48 * 1024  # a float for each token


def test_staged_model_is_pinned_to_a_commit() -> None:
    pinned = find_model("mistrallite").at_revision("0a" * 20)
    assert pinned.weights == StagedWeights(repository="amazon/MistralLite", revision="0a" * 20)
    assert pinned.container_environment == find_model("mistrallite").container_environment


@pytest.mark.parametrize("revision", ["main", "v1.0", "0a1b2c3", "0A" * 20])
def test_revision_is_refused_when_its_content_may_change(revision: str) -> None:
    with pytest.raises(ValueError, match="revision must be a commit of 40 hex digits, or empty"):
        find_model("mistrallite").at_revision(revision)


def test_model_that_is_not_staged_has_no_revision() -> None:
    with pytest.raises(TypeError, match="mistral-7b has no staged weights, got revision"):
        find_model("mistral-7b").at_revision("0a" * 20)


@pytest.mark.parametrize("model", CATALOG.values(), ids=CATALOG.keys())
def test_startup_times_are_within_what_sagemaker_takes(model: CatalogEntry) -> None:
    assert 60 <= model.server.startup_timeout_seconds <= 3600
    download = model.weights.download_timeout_seconds
    assert download is None or 60 <= download <= 3600


def test_unknown_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"model_id must be one of mistral-7b, .*, got 'gpt-2'"):
        find_model("gpt-2")


@pytest.mark.parametrize(
    ("longest_input", "message"),
    [
        (2048, "max_input_length must be below max_total_tokens 2048, got 2048"),
        (0, "max_input_length must be from 1 to 1048576, got 0"),
    ],
)
def test_limits_are_refused_when_they_contradict_each_other(
    longest_input: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RequestLimits(max_input_length=longest_input, max_total_tokens=2048)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (
            Tgi(max_batch_prefill_tokens=1000),
            "max_batch_prefill_tokens must be at least max_input_length",
        ),
        (
            Tgi(max_batch_total_tokens=2047),
            "max_batch_total_tokens must be at least .*2048, got 2047",
        ),
        (
            Tgi(max_batch_prefill_tokens=4096, max_batch_total_tokens=4095),
            "max_batch_total_tokens must be at least .*4096, got 4095",
        ),
    ],
)
def test_batch_limits_are_refused_when_tgi_would_not_start_with_them(
    server: Tgi, message: str
) -> None:
    limits = RequestLimits(max_input_length=1024, max_total_tokens=2048)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(find_model("mistral-7b"), limits=limits, server=server)


def test_limits_are_refused_when_no_request_is_let_in() -> None:
    with pytest.raises(ValueError, match="max_concurrent_requests must be from 1 to 10000, got 0"):
        dataclasses.replace(find_model("mistral-7b").limits, max_concurrent_requests=0)


@pytest.mark.parametrize("key_prefix", ["/models/v1/", "models/v1", ""])
def test_weights_prefix_is_refused_when_it_may_match_others(key_prefix: str) -> None:
    with pytest.raises(ValueError, match="key_prefix must be like 'folder/weights/v1/'"):
        JumpStartWeights(key_prefix=key_prefix)


@pytest.mark.parametrize("repository", ["MistralLite", "/MistralLite", "a/b/c"])
def test_hub_repository_is_refused_when_it_is_none(repository: str) -> None:
    with pytest.raises(ValueError, match="repository must be like 'owner/name'"):
        StagedWeights(repository=repository)


def test_model_of_ones_own_is_served_by_tgi_unless_it_says_otherwise() -> None:
    mine = CatalogEntry(
        model_id="x",
        weights=StagedWeights(repository="a/b"),
        limits=RequestLimits(max_input_length=1024, max_total_tokens=2048),
        prompt_format=PromptFormat.NONE,
        tokenizer=Tokenizer.MISTRAL_V1,
    )
    assert mine.server.name == "tgi"
    assert mine.container_environment["MAX_BATCH_PREFILL_TOKENS"] == "1024"


def _check(model_id: str, instance_type: str) -> None:
    model = find_model(model_id)
    model.server.check_instance_type(model, instance_type)


@pytest.mark.parametrize("model_id", ["mistral-7b", "mistral-7b-instruct", "mistrallite"])
@pytest.mark.parametrize("instance_type", ["ml.g4dn.xlarge", "ml.p3.2xlarge"])
def test_instance_type_is_refused_when_it_has_no_flash_attention_2(
    model_id: str, instance_type: str
) -> None:
    message = f"{model_id} needs flash attention 2, got '{instance_type}'"
    with pytest.raises(ValueError, match=rf"compute capability 8\.0 or more, .*: {message}"):
        _check(model_id, instance_type)


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.p4d.24xlarge", "ml.g6.xlarge"])
def test_instance_type_is_taken_when_it_has_flash_attention_2(instance_type: str) -> None:
    _check("mistral-7b", instance_type)


def test_model_without_flash_attention_2_is_served_by_older_gpus() -> None:
    _check("smollm2-135m-instruct", "ml.g4dn.xlarge")
