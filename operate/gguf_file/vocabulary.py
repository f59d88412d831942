"""The vocabularies that the proxy counts with, and whether a GGUF file has the same one."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the sources of proxy and jobs findable

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sentencepiece import SentencePieceProcessor

from allowed_values.rules import shown
from gguf_files.header import RefusedFileError
from invoke_proxy import tokens
from operate.cdk_cli import ROOT

_TOKENIZERS = ROOT / "build/invoke_proxy/local/invoke_proxy/tokenizers"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by their numbers, with SentencePiece's scores, which decide how a text is cut."""

    model: str  # as llama.cpp names the kind
    tokens: Sequence[str]
    scores: Sequence[float] | None
    has_start_token: bool
    added: Sequence[str] = ()  # by the model, after those of the file, in any order


def load(tokenizer: str, folder: Path | None = None) -> Vocabulary:
    """Return the vocabulary of a tokenizer of the catalog, from a folder of the proxy's build."""
    folder = folder or _built()
    if tokenizer == "smollm2":
        return _byte_level(folder / "smollm2.json")
    return _sentence_piece(folder / "mistral-v1.model", tokens.load(tokenizer, folder))


def _built() -> Path:
    if not _TOKENIZERS.is_dir():
        build = [sys.executable, "lambda/build_functions.py", "local"]
        subprocess.run(build, cwd=ROOT, check=True)  # noqa: S603 - our own
    return _TOKENIZERS


def _sentence_piece(file: Path, tokenizer: tokens.Tokenizer) -> Vocabulary:
    pieces = SentencePieceProcessor(model_file=str(file))
    numbers = list(range(pieces.vocab_size()))
    known = pieces.id_to_piece(numbers)
    return Vocabulary(
        "llama",
        known,
        pieces.get_score(numbers),
        has_start_token=True,
        added=[token for token in tokenizer.special_tokens if token not in known],
    )


def _byte_level(file: Path) -> Vocabulary:
    written = json.loads(file.read_text(encoding="utf-8"))
    numbers = written["model"]["vocab"] | {t["content"]: t["id"] for t in written["added_tokens"]}
    return Vocabulary("gpt2", sorted(numbers, key=numbers.__getitem__), None, has_start_token=False)


def check_same(metadata: Mapping[str, Any], wanted: Vocabulary) -> None:
    """Raise RefusedFileError unless llama.cpp would cut every text as the proxy does."""
    kind = metadata.get("tokenizer.ggml.model")
    if kind != wanted.model:
        raise RefusedFileError(
            f"its vocabulary must be of llama.cpp's kind {wanted.model!r}, got {shown(kind)}"
        )
    given = metadata.get("tokenizer.ggml.tokens")
    _check_tokens(given if isinstance(given, list) else [], wanted)
    scores = metadata.get("tokenizer.ggml.scores")
    if wanted.scores is not None and not _are_close(scores, wanted.scores):
        raise RefusedFileError(
            "its tokens must have the scores of the SentencePiece file: another converter wrote"
            " others, which cut texts differently"
        )
    start = metadata.get("tokenizer.ggml.add_bos_token", wanted.has_start_token)
    if start != wanted.has_start_token:
        raise RefusedFileError(
            f"its tokenizer.ggml.add_bos_token must be {str(wanted.has_start_token).lower()},"
            f" got {shown(start).lower()}"
        )


def _check_tokens(given: Sequence[str], wanted: Vocabulary) -> None:
    count = len(wanted.tokens) + len(wanted.added)
    for number, (found, token) in enumerate(zip(given, wanted.tokens, strict=False)):
        if found != token:
            raise RefusedFileError(
                f"its vocabulary is another one: token {number} must be {token!r},"
                f" got {shown(found)}"
            )
    more = given[len(wanted.tokens) :]
    if len(given) < count or not set(wanted.added) <= set(more) or (more and not wanted.added):
        raise RefusedFileError(
            f"its vocabulary must have {count} tokens, got {len(given)}"
            + (f" with {', '.join(more[:3])} at the end" if more else "")
        )


def _are_close(scores: Any, wanted: Sequence[float]) -> bool:  # noqa: ANN401 - what a file holds
    try:
        given = np.ravel(np.asarray(scores, np.float32))[: len(wanted)]
    except (TypeError, ValueError):  # texts, or lists
        return False
    return given.shape == (len(wanted),) and bool(np.allclose(given, wanted, rtol=0, atol=1e-3))
