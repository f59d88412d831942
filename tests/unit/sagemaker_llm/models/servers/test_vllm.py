"""vLLM: its environment from an entry's limits, and the windows that its memory has room for."""

import dataclasses

import pytest

from sagemaker_llm.models.catalog import CatalogEntry, find_model
from sagemaker_llm.models.instances import find_instance
from sagemaker_llm.models.servers.vllm import VLLM, VLLM_IMAGE, Vllm
from sagemaker_llm.models.shape import MISTRAL_7B
from sagemaker_llm.models.weights import PackagedWeights, StagedGguf


def _mistrallite(window: int, server: Vllm = VLLM) -> CatalogEntry:
    return find_model("mistrallite").served_by(server, window=window)


def test_environment_follows_the_limits() -> None:
    model = _mistrallite(32_768)
    assert (model.limits.max_input_length, model.limits.max_total_tokens) == (32_480, 32_768)
    assert model.container_environment == {
        "SM_VLLM_MODEL": "/opt/ml/model",
        "SM_VLLM_SERVED_MODEL_NAME": "mistrallite",
        "SM_VLLM_MAX_MODEL_LEN": "32768",
        "SM_VLLM_MAX_NUM_SEQS": "128",
        "SM_VLLM_TENSOR_PARALLEL_SIZE": "1",
        "SM_VLLM_GPU_MEMORY_UTILIZATION": "0.9",
        "SM_VLLM_GENERATION_CONFIG": "vllm",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }


def test_tuned_weights_lie_where_sagemaker_puts_them() -> None:
    local = find_model("smollm2-135m-instruct").served_by(VLLM)
    assert isinstance(local.weights, PackagedWeights)
    assert local.container_environment["SM_VLLM_MODEL"] == local.weights.hf_model_id
    assert local.packaged_environment["SM_VLLM_MODEL"] == "/opt/ml/model"


def test_token_of_mistrals_cache_takes_128_kib() -> None:
    assert MISTRAL_7B.cache_bytes_per_token == 131_072
    assert round(MISTRAL_7B.weight_bytes / 2**30, 1) == 13.5


def test_one_a10g_has_room_for_mistrallites_window_once() -> None:
    room = VLLM.max_window(_mistrallite(16_384), find_instance("ml.g5.2xlarge"))
    assert room is not None
    assert 32_768 <= room < 3 * 16_384


@pytest.mark.parametrize("window", [12_288, 16_384, 32_768])
def test_window_that_the_cache_has_room_for_is_served(window: int) -> None:
    model = _mistrallite(window)
    model.server.check_instance_type(model, "ml.g5.2xlarge")
    model.server.check_image(model, VLLM_IMAGE, "ml.g5.2xlarge")


def test_window_without_room_beside_the_weights_is_refused_with_the_longest() -> None:
    cramped = _mistrallite(32_768, Vllm(gpu_memory_utilization=0.8))
    with pytest.raises(ValueError, match=r"at most 1\d{4} with vLLM on ml.g5.2xlarge, .*got 32768"):
        cramped.server.check_instance_type(cramped, "ml.g5.2xlarge")
    cramped.server.check_instance_type(cramped, "ml.g6e.2xlarge")


def test_window_shares_the_memory_of_all_gpus_that_the_model_is_split_over() -> None:
    split = _mistrallite(16_384, Vllm(num_gpus=4))
    one, four = (find_instance(f"ml.g5.{size}") for size in ("2xlarge", "12xlarge"))
    rooms = VLLM.max_window(split, one), Vllm(num_gpus=4).max_window(split, four)
    assert rooms[0]
    assert rooms[1]
    assert rooms[1] > 4 * rooms[0]
    with pytest.raises(ValueError, match="must have the 4 GPUs that mistrallite is split over"):
        split.server.check_instance_type(split, "ml.g5.2xlarge")


def test_model_of_unknown_sizes_is_left_to_the_server() -> None:
    unknown = dataclasses.replace(_mistrallite(32_768), shape=None)
    unknown.server.check_instance_type(unknown, "ml.g5.xlarge")


@pytest.mark.parametrize(
    ("instance_type", "message"),
    [
        (
            "ml.g4dn.xlarge",
            r"GPU of compute capability 8\.0 or more, .*: mistrallite computes in b",
        ),
        ("ml.c7g.2xlarge", "must have a GPU, .*: llama.cpp runs without one"),
    ],
)
def test_instance_type_that_cannot_run_it_is_refused(instance_type: str, message: str) -> None:
    model = _mistrallite(16_384)
    with pytest.raises(ValueError, match=message):
        model.server.check_instance_type(model, instance_type)


def test_gguf_is_refused() -> None:
    weights = StagedGguf(repository="a/b", file="m.gguf", file_bytes=1)
    message = "weights of mistrallite must be JumpStartWeights or .* which vLLM reads, got StagedG"
    with pytest.raises(ValueError, match=message):
        find_model("mistrallite").served_by(VLLM, weights=weights)


def test_window_of_the_model_bounds_its_servers() -> None:
    with pytest.raises(ValueError, match="must fit its window of 32768 tokens, got 32769"):
        _mistrallite(32_769)


def test_window_without_room_for_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"window must be above the 288 tokens .* got 288"):
        _mistrallite(288)


def test_image_is_in_the_commercial_regions_only() -> None:
    assert "eu-west-1" in VLLM_IMAGE.accounts
    assert not {"cn-north-1", "us-gov-west-1", "eusc-de-east-1"} & VLLM_IMAGE.accounts.keys()
