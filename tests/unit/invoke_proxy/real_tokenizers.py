"""The tokenizers that servers use, made from the vocabularies in the proxy's asset."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Tokenizer, models, normalizers

ROOT = Path(__file__).parents[3]


@cache
def vocabularies() -> Path:
    """Build the asset, and return the folder of its vocabularies."""
    subprocess.run([sys.executable, "lambda/build_functions.py", "local"], cwd=ROOT, check=True)
    return ROOT / "build/invoke_proxy/local/invoke_proxy/tokenizers"


@cache
def smollm2() -> Tokenizer:
    """Return the local model's `tokenizer.json`."""
    return Tokenizer.from_file(str(vocabularies() / "smollm2.json"))


@cache
def mistral(special: Sequence[str]) -> Tokenizer:
    """Return Mistral's `tokenizer.json`, made from its SentencePiece model as Hugging Face does.

    TGI counts with it, and it shares nothing with SentencePiece's own code but the vocabulary.
    """
    pieces = SentencePieceProcessor(model_file=str(vocabularies() / "mistral-v1.model"))
    words = [pieces.id_to_piece(number) for number in range(pieces.vocab_size())]
    numbers = {word: number for number, word in enumerate(words)}
    merges = [
        (-pieces.get_score(numbers[word]), word[:at], word[at:])
        for word in words
        for at in range(1, len(word))
        if word[:at] in numbers and word[at:] in numbers
    ]
    merges.sort(key=lambda merge: (merge[0], numbers[merge[1]], numbers[merge[2]]))
    pairs = [(left, right) for _, left, right in merges]
    tokenizer = Tokenizer(
        models.BPE(numbers, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in special])
    return tokenizer


def llama_cpp_ids(texts: Sequence[str]) -> list[list[int]]:
    """Return llama.cpp's token ids of each text in the local model."""
    llama = subprocess.run(
        [sys.executable, "tests/unit/invoke_proxy/llama_tokens.py"],
        input=json.dumps(texts).encode(),
        env={**os.environ, "PYTHONPATH": "lambda"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    ids: list[list[int]] = json.loads(llama.stdout)
    return ids
