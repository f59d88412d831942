"""The variables of each server, as its image's own entry point and flags take them."""

from pathlib import Path

import pytest
import xllamacpp

from embedded_aws.model_server.llama_cpp import entrypoint as llama_cpp
from embedded_aws.model_server.llama_cpp import flags as llama_server
from embedded_aws.model_server.vllm import entrypoint as vllm
from embedded_aws.model_server.vllm import flags as vllm_flags
from sagemaker_llm.models.catalog import find_model
from sagemaker_llm.models.servers.llama_cpp import LlamaCpp
from sagemaker_llm.models.servers.vllm import Vllm

_NOTHING = Path("/nowhere")
_OF_VLLM = {
    "SM_VLLM_DTYPE": "bfloat16",
    "SM_VLLM_ENFORCE_EAGER": "true",
    "SM_VLLM_LOAD_FORMAT": "safetensors",
    "SM_VLLM_NO_ENABLE_PREFIX_CACHING": "true",
    "SM_VLLM_SEED": "7",
    "VLLM_LOGGING_LEVEL": "WARNING",
}
_OF_LLAMA_CPP = {
    "SM_LLAMA_CPP_BATCH_SIZE": "512",
    "SM_LLAMA_CPP_FLASH_ATTN": "auto",
    "SM_LLAMA_CPP_MLOCK": "true",
    "SM_LLAMA_CPP_NO_MMAP": "true",
    "SM_LLAMA_CPP_THREADS": "1",
    "SM_LLAMA_CPP_THREADS_BATCH": "1",
    "SM_LLAMA_CPP_UBATCH_SIZE": "128",
}


@pytest.mark.parametrize("settings", [{}, _OF_VLLM], ids=["alone", "all settings"])
def test_vllm_starts_with_its_variables(settings: dict[str, str]) -> None:
    model = find_model("smollm2-135m-instruct").served_by(Vllm(container_settings=settings))
    flags = vllm_flags.parse(vllm.arguments(model.container_environment, _NOTHING))
    assert flags.max_model_len == model.limits.max_total_tokens
    assert flags.max_num_seqs == model.limits.max_concurrent_requests


@pytest.mark.parametrize("settings", [{}, _OF_LLAMA_CPP], ids=["alone", "all settings"])
def test_llama_server_starts_with_its_variables(settings: dict[str, str]) -> None:
    model = find_model("smollm2-135m-instruct").served_by(
        LlamaCpp(container_settings=settings), max_concurrent_requests=2
    )
    params = xllamacpp.CommonParams()
    llama_server.apply(params, llama_cpp.flags(model.container_environment))
    assert (params.n_ctx, params.n_parallel) == (2 * model.limits.max_total_tokens, 2)


def test_all_settings_are_tried() -> None:
    assert (_OF_VLLM.keys(), _OF_LLAMA_CPP.keys()) == (
        Vllm.settings.keys(),
        LlamaCpp.settings.keys(),
    )
