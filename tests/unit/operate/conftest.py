"""The file that the tests of a person's own models share."""

from pathlib import Path

import pytest

from tests.tiny_gguf import write_tiny_mistral
from tests.unit.invoke_proxy.real_tokenizers import vocabularies


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Mistral with a context of 4,096 tokens, quantised."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.Q4_0.gguf"
    return write_tiny_mistral(path, vocabularies() / "mistral-v1.model", context=4096)
