"""One vLLM for the session, as AWS's image starts it."""

import os
from collections.abc import Iterator

import openai
import pytest

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.model_server.conftest import ModelServer, started

SETTINGS = {
    "SM_VLLM_MODEL": MODEL_ID,
    "SM_VLLM_SERVED_MODEL_NAME": "small",
    "SM_VLLM_MAX_MODEL_LEN": "640",
    "SM_VLLM_MAX_NUM_SEQS": "3",
    "SM_VLLM_TENSOR_PARALLEL_SIZE": "1",
    "SM_VLLM_GENERATION_CONFIG": "vllm",
    "SM_VLLM_ENABLE_LORA": "true",
    "SM_VLLM_MAX_LORA_RANK": "8",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "true",
}


@pytest.fixture(scope="session")
def vllm() -> Iterator[ModelServer]:
    with started("vllm", {**os.environ, **SETTINGS}) as server:
        yield server


@pytest.fixture
def client(vllm: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{vllm.http.base_url}/v1", api_key="x", max_retries=0)
