"""llama.cpp: its environment from an entry's limits, its image, and the memory that it takes."""

import dataclasses

import pytest

from sagemaker_llm.models.catalog import CatalogEntry, find_model
from sagemaker_llm.models.servers.llama_cpp import (
    LLAMA_CPP,
    LLAMA_CPP_ARM64_IMAGE,
    LLAMA_CPP_IMAGE,
    LlamaCpp,
)
from sagemaker_llm.models.weights import StagedGguf

_FILE = StagedGguf(
    repository="a/Mistral-7B-GGUF", file="mistral.Q4_K_M.gguf", file_bytes=4_368_438_944
)


def _mistral(requests: int = 2, window: int = 8192) -> CatalogEntry:
    model = find_model("mistral-7b-instruct")
    return model.served_by(
        LLAMA_CPP, weights=_FILE, window=window, max_concurrent_requests=requests
    )


def test_environment_has_a_slot_of_a_whole_window_for_each_request() -> None:
    assert _mistral(requests=3).container_environment == {
        "SM_LLAMA_CPP_ALIAS": "mistral-7b-instruct",
        "SM_LLAMA_CPP_CTX_SIZE": str(3 * 8192),
        "SM_LLAMA_CPP_PARALLEL": "3",
        "SM_LLAMA_CPP_CACHE_RAM": "0",
        "SM_LLAMA_CPP_CHAT_TEMPLATE": "{{ bos_token }}{{ messages[0]['content'] }}",
    }


def test_packaged_weights_are_named_and_begin_without_a_start_token() -> None:
    local = find_model("smollm2-135m-instruct").served_by(LLAMA_CPP, max_concurrent_requests=4)
    environment = local.container_environment
    assert environment["SM_LLAMA_CPP_HF_REPO"] == "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF"
    assert environment["SM_LLAMA_CPP_CHAT_TEMPLATE"] == "{{ messages[0]['content'] }}"
    assert "SM_LLAMA_CPP_HF_REPO" not in local.packaged_environment


@pytest.mark.parametrize(
    ("instance_type", "image"),
    [("ml.c6i.2xlarge", LLAMA_CPP_IMAGE), ("ml.c7g.2xlarge", LLAMA_CPP_ARM64_IMAGE)],
)
def test_image_is_of_the_instances_processors(instance_type: str, image: object) -> None:
    assert LLAMA_CPP.image_for(instance_type) == image


def test_image_of_other_processors_is_refused() -> None:
    model = _mistral()
    with pytest.raises(ValueError, match=r"image must be llama-cpp-arm64 for .*, got llama-cpp$"):
        LLAMA_CPP.check_image(model, LLAMA_CPP_IMAGE, "ml.c7g.2xlarge")


def test_file_and_cache_fit_16_gib() -> None:
    model = _mistral(requests=2)
    needed = LLAMA_CPP.memory_bytes(model, _FILE.file_bytes)
    assert needed == 4_368_438_944 + 2 * 8192 * 131_072 + 2 * 2**30
    for instance_type in ("ml.c7g.2xlarge", "ml.c6i.2xlarge"):
        model.server.check_instance_type(model, instance_type)


@pytest.mark.parametrize(("requests", "window"), [(16, 8192), (4, 32_768)])
def test_slots_without_memory_are_refused(requests: int, window: int) -> None:
    model = _mistral(requests, window)
    message = r"must have 22\.1 GiB of memory .*, got 'ml.c7g.2xlarge' with 16: lower max_conc"
    with pytest.raises(ValueError, match=message):
        model.server.check_instance_type(model, "ml.c7g.2xlarge")
    model.server.check_instance_type(model, "ml.m8g.2xlarge")


def test_tuned_file_has_the_memory_that_its_kind_takes() -> None:
    for kind, fits in {"Q4_0": 10, "Q8_0": 6}.items():
        server = LlamaCpp(tuned_kind=kind)
        assert server.weights_format == kind
        for requests in (fits, fits + 1):
            model = dataclasses.replace(_mistral(requests), server=server)
            if requests == fits:
                server.check_tuned(model, "ml.c7g.2xlarge")
                continue
            said = rf"must have 16\.\d GiB .*'s tuned file in {kind} and the cache of {requests} re"
            with pytest.raises(ValueError, match=said):
                server.check_tuned(model, "ml.c7g.2xlarge")


def test_fine_tuning_starts_from_the_weights_that_the_file_was_made_from() -> None:
    published = find_model("mistral-7b-instruct").weights
    assert _mistral().tuned_from == published
    assert _mistral().served_by(LLAMA_CPP, weights=_FILE).tuned_from == published
    assert find_model("smollm2-135m-instruct").served_by(LLAMA_CPP).tuned_from is None
    with pytest.raises(
        ValueError, match=r"tuned_from of .* must be safetensors, .* got StagedGguf"
    ):
        dataclasses.replace(_mistral(), tuned_from=_FILE)


def test_instance_with_gpus_is_refused() -> None:
    model = _mistral()
    with pytest.raises(
        ValueError, match=r"must have no GPU for llama\.cpp, .*, got 'ml.g5.xlarge'"
    ):
        model.server.check_instance_type(model, "ml.g5.xlarge")


def test_safetensors_are_refused() -> None:
    message = r"weights of mistral-7b must be StagedGguf or .* llama\.cpp reads, got JumpStartWeig"
    with pytest.raises(ValueError, match=message):
        find_model("mistral-7b").served_by(LLAMA_CPP)


@pytest.mark.parametrize("file", ["model.bin", "folder/model.gguf", ".gguf", "model.gguf.txt"])
def test_file_that_is_no_gguf_is_refused(file: str) -> None:
    with pytest.raises(ValueError, match=r"file must be a file's name that ends in \.gguf"):
        StagedGguf(repository="a/b", file=file, file_bytes=1)


def test_staged_file_is_pinned_to_a_commit() -> None:
    pinned = _mistral().at_revision("0a" * 20)
    assert isinstance(pinned.weights, StagedGguf)
    assert pinned.weights.revision == "0a" * 20
