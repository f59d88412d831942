"""The file of a model that is one GGUF file, before it is uploaded."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from operate.weights.one_gguf import WantedFile


@pytest.fixture
def wanted(tiny: Path) -> WantedFile:
    outputs = {
        "WeightsRepository": "owner/mine",
        "WeightsRevision": "0a" * 20,
        "WeightsFile": "model.Q4_0.gguf",
        "WeightsFileBytes": str(tiny.stat().st_size),
        "WeightsTokenizer": "mistral-v1",
        "WeightsWindow": "4096",
    }
    found = WantedFile.of(outputs)
    assert found is not None
    return found


def test_weights_that_are_a_folder_have_no_such_file() -> None:
    assert WantedFile.of({"WeightsRepository": "owner/mine"}) is None


def test_file_is_uploaded_under_its_declared_name(tiny: Path, wanted: WantedFile) -> None:
    (file,) = wanted.of_file(tiny)
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert (file.name, file.path, file.sha256) == ("model.Q4_0.gguf", tiny, digest)


def test_file_is_refused_that_the_endpoint_could_not_serve(
    tiny: Path, wanted: WantedFile, tmp_path: Path
) -> None:
    for other, words in (
        (replace(wanted, size=7), "must have the 7 bytes that the environment declares, got"),
        (replace(wanted, window=8192), "context must be at least the environment's 8192 tokens"),
        (replace(wanted, tokenizer="smollm2"), "of llama.cpp's kind 'gpt2', got 'llama'"),
    ):
        with pytest.raises(SystemExit, match=rf"cannot be staged as model\.Q4_0\.gguf.*{words}"):
            other.of_file(tiny)
    with pytest.raises(SystemExit, match="it must be a file, such as"):
        wanted.of_file(tmp_path)


def test_file_must_be_in_the_commit(wanted: WantedFile) -> None:
    assert wanted._choose(["README.md", "model.Q4_0.gguf"]) == ["model.Q4_0.gguf"]
    with pytest.raises(SystemExit, match=r"owner/mine at 0a0a.* has no model\.Q4_0\.gguf"):
        wanted._choose(["README.md", "model.Q4_K_M.gguf"])
