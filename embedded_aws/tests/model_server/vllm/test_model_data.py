"""What vLLM serves of the model data: what a fine-tuning job writes."""

import os
from pathlib import Path

import pytest

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama_cpp.entrypoint import find_model
from embedded_aws.tests.model_server.conftest import ModelServer, started
from embedded_aws.tests.model_server.test_adapter import write_model


def test_fine_tuned_model_is_served_with_its_adapter(tmp_path: Path, vllm: ModelServer) -> None:
    write_model(tmp_path, scale=0.2)
    body = {"prompt": "The sea is", "max_tokens": 8, "temperature": 0}
    environment = {"SM_MODEL_DIR": str(tmp_path), "SM_VLLM_MAX_MODEL_LEN": "512"}

    with started("vllm", {**os.environ, **environment}) as tuned:
        answer = tuned.http.post("/invocations", json=body).raise_for_status().json()

    assert answer["model"] == "/opt/ml/model"
    base = vllm.http.post("/invocations", json=body).json()
    assert answer["choices"][0]["text"] != base["choices"][0]["text"]


def test_fine_tuned_model_is_none_for_llama_cpp(tmp_path: Path) -> None:
    write_model(tmp_path)
    with pytest.raises(SettingsError, match=r"no \*\.gguf found under /opt/ml/model"):
        find_model({"SM_MODEL_DIR": str(tmp_path)})
