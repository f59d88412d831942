"""The model server as a process: its settings, its weights, its end."""

import errno
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import gguf
import httpx
import numpy as np
import pytest

from embedded_aws.host import processes
from embedded_aws.model_server import packaged
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.model_server.tgi.settings import read_settings
from embedded_aws.model_server.weights import find_weights
from embedded_aws.tests.account import until
from embedded_aws.tests.model_server.conftest import ROOT, ModelServer, environment, model_server

MODEL_DATA_ID = "/opt/ml/model"
STARTER = """
import subprocess, sys
with subprocess.Popen([sys.executable, "-m", "embedded_aws.model_server", "tgi"]) as child:
    print(child.pid, flush=True)
"""


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, "HF_MODEL_ID must be set"),
        (
            {"HF_MODEL_ID": "x", "MAX_INPUT_LENGTH": "2048"},
            "MAX_INPUT_LENGTH must be below MAX_TOTAL_TOKENS, got 2048 and 2048",
        ),
        (
            {"HF_MODEL_ID": "x", "MAX_BATCH_PREFILL_TOKENS": "1023"},
            "MAX_INPUT_LENGTH must be at most MAX_BATCH_PREFILL_TOKENS, got 1024 and 1023",
        ),
        (
            {"HF_MODEL_ID": "x", "MAX_TOTAL_TOKENS": "many"},
            "MAX_TOTAL_TOKENS must be a positive integer, got 'many'",
        ),
        (
            {"HF_MODEL_ID": "x", "MAX_CONCURRENT_REQUESTS": "0"},
            "MAX_CONCURRENT_REQUESTS must be a positive integer, got '0'",
        ),
    ],
)
def test_settings_are_refused_when_they_cannot_be_served(
    settings: dict[str, str], error: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(settings)

    assert str(refused.value) == error


def test_settings_are_tgis_defaults_when_unset() -> None:
    settings = read_settings({"HF_MODEL_ID": MODEL_ID, "SM_NUM_GPUS": "1"})

    limits = (settings.max_input_length, settings.max_total_tokens)
    assert limits == (1024, 2048)
    assert (settings.max_concurrent_requests, settings.max_best_of) == (128, 2)


@pytest.mark.parametrize("files", [[], ["a.gguf", "adapter.gguf"], ["model.safetensors"]])
def test_model_data_is_refused_when_it_is_not_one_gguf_file(
    tmp_path: Path, files: list[str]
) -> None:
    for file in files:
        (tmp_path / file).touch()
    found = "a.gguf, adapter.gguf" if len(files) > 1 else "none"

    with pytest.raises(SettingsError) as refused:
        find_weights("HF_MODEL_ID", MODEL_DATA_ID, tmp_path)

    assert str(refused.value) == f"{tmp_path} must hold exactly one .gguf file, got {found}"


def test_process_ends_with_one_line_when_the_model_is_unknown() -> None:
    ended = run(HF_MODEL_ID="mistralai/Mistral-7B-v0.1")

    assert ended.returncode == 2
    assert ended.stderr == (
        "HF_MODEL_ID must be HuggingFaceTB/SmolLM2-135M-Instruct or /opt/ml/model, "
        "got 'mistralai/Mistral-7B-v0.1'\n"
    )


def test_process_ends_with_the_file_in_its_last_line_when_it_is_broken(tmp_path: Path) -> None:
    broken = tmp_path / "model.gguf"
    broken.write_bytes(b"GGUF" * 1000)

    ended = run(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path))

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == f"llama.cpp cannot load {broken}"


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "embedded_aws.model_server", "tgi"]
    env = environment(**settings)
    return subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_adapter_is_applied_to_the_packaged_weights(server: ModelServer, tmp_path: Path) -> None:
    write_adapter(tmp_path / "adapter.gguf")
    request = {"inputs": "The sea is", "parameters": {"max_new_tokens": 8}}

    with model_server(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path)) as tuned:
        answers = [tuned.http.post("/generate", json=request).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert server.http.post("/generate", json=request).json() != answers[0]


def write_adapter(path: Path) -> None:
    """A LoRA adapter of rank 4 that adds noise to one layer's output projection."""
    noise = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 4.0)
    for half, shape in {"a": (4, 576), "b": (576, 4)}.items():
        values = noise.normal(size=shape).astype(np.float32)
        writer.add_tensor(f"blk.20.attn_output.weight.lora_{half}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_model_data_is_served_with_bos_where_its_gguf_says_so(tmp_path: Path) -> None:
    original = packaged.weights().read_bytes()
    flag = b"tokenizer.ggml.add_bos_token" + b"\x07\0\0\0"  # a name, and the type bool
    assert original.count(flag + b"\0") == 1
    (tmp_path / "model.gguf").write_bytes(original.replace(flag + b"\0", flag + b"\x01"))
    kept = {"decoder_input_details": True, "truncate": 3, "max_new_tokens": 1}

    with model_server(HF_MODEL_ID=MODEL_DATA_ID, SM_MODEL_DIR=str(tmp_path)) as server:
        details = server.generate("one two three four", **kept)["details"]
        whole = server.http.post("/invocations", json={"inputs": "The sea"}).json()

    assert [token["text"] for token in details["prefill"]] == ["<|im_start|>", " three", " four"]
    assert not whole[0]["generated_text"].startswith("The sea")


def test_process_ends_soon_when_it_is_told_to_stop_amid_a_stream() -> None:
    rest = b""
    with model_server() as server, server.endless_stream() as frames:
        server.process.terminate()
        server.process.wait(120)
        with suppress(httpx.TransportError):
            for frame in frames:
                rest += frame
    assert b'"generated_text":"' not in rest  # which only the last frame has


def test_process_ends_when_its_parent_is_gone() -> None:
    port = processes.free_port()
    parent = processes.start([sys.executable, "-c", STARTER], environment(PORT=str(port)), ROOT)
    assert parent.stdout
    with parent.stdout as output:
        child = int(output.readline())
        try:
            assert processes.wait_until_ready(parent, port, "/ping", timeout=120)
            parent.kill()
            parent.wait()
            until(lambda: is_refused(port))
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def is_refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
