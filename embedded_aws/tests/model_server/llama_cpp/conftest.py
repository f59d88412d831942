"""One llama-server for the session, as AWS's image starts it."""

import os
from collections.abc import Iterator

import pytest

from embedded_aws.model_server.llama_cpp.entrypoint import HUB_REPOSITORY
from embedded_aws.tests.model_server.conftest import ModelServer, started

# What a proxy that has rendered the prompt itself sets.
IDENTITY = "{{ messages[0]['content'] }}"


@pytest.fixture(scope="session")
def llama_server() -> Iterator[ModelServer]:
    settings = {
        "SM_LLAMA_CPP_HF_REPO": HUB_REPOSITORY,
        "SM_LLAMA_CPP_CTX_SIZE": "512",
        "SM_LLAMA_CPP_PARALLEL": "2",
        "SM_LLAMA_CPP_ALIAS": "small",
        "SM_LLAMA_CPP_CHAT_TEMPLATE": IDENTITY,
        "SM_LLAMA_CPP_TEMP": "0.25",
        "SM_LLAMA_CPP_N_PREDICT": "9",
        "SM_LLAMA_CPP_THREADS": "8",
        "SM_LLAMA_CPP_METRICS": "true",
        "SM_LLAMA_CPP_NO_SLOTS": "true",
    }
    with started("llama-cpp", {**os.environ, **settings}) as server:
        yield server
