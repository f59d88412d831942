"""A checkpoint's vocabulary, as llama.cpp reads it from a GGUF file."""

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

from gguf_files.checkpoint import read_object
from gguf_files.header import RefusedFileError
from gguf_files.writer import Value

_PREFIX = "tokenizer.ggml."
_UNUSED_SCORE = -1000.0
# How SmolLM's vocabulary cuts a text before it joins bytes.
_SMOLLM = ["Digits", "ByteLevel"]
_IDS = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}


class _Type(IntEnum):
    """What a token is, by llama.cpp's numbers."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    UNUSED = 5
    BYTE = 6


def vocabulary(folder: Path, count: int) -> Mapping[str, Value]:
    """Return the metadata of a folder's tokenizer, for so many tokens; raises RefusedFileError."""
    try:
        found = _found(folder, count)
    except (AttributeError, LookupError, TypeError) as error:
        raise RefusedFileError(
            f"the tokenizer's JSON files in {folder} must be as transformers writes them, got"
            f" {error!r}"
        ) from error
    return {f"{_PREFIX}{name}": value for name, value in found.items()}


def _found(folder: Path, count: int) -> dict[str, Value]:
    if (folder / "tokenizer.model").is_file():
        return _sentence_piece(folder, count)
    if (folder / "tokenizer.json").is_file():
        return _byte_level(folder, count)
    raise RefusedFileError(f"{folder} must hold tokenizer.model or tokenizer.json")


def _sentence_piece(folder: Path, count: int) -> dict[str, Value]:
    from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - of Mistral's vocabulary only

    pieces = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    known = pieces.vocab_size()
    _check_count(count, known)
    file = folder / "added_tokens.json"
    given: Mapping[str, int] = read_object(file) if file.is_file() else {}
    added = {number: token for token, number in given.items()}
    rest = range(known, count)
    types = [_Type.CONTROL if number in added else _Type.UNUSED for number in rest]
    return {
        "model": "llama",
        "tokens": [
            *(pieces.id_to_piece(number) for number in range(known)),
            *(added.get(number, f"[PAD{number}]") for number in rest),
        ],
        "scores": [*map(pieces.get_score, range(known)), *(_UNUSED_SCORE for _ in rest)],
        "token_type": [*(_type(pieces, number) for number in range(known)), *map(int, types)],
        "bos_token_id": pieces.bos_id(),
        "eos_token_id": pieces.eos_id(),
        "unknown_token_id": pieces.unk_id(),
        "add_bos_token": True,
    }


def _type(pieces: Any, number: int) -> int:  # noqa: ANN401 - a SentencePieceProcessor
    if pieces.is_unknown(number):
        return int(_Type.UNKNOWN)
    if pieces.is_control(number):
        return int(_Type.CONTROL)
    return int(_Type.BYTE if pieces.is_byte(number) else _Type.NORMAL)


def _byte_level(folder: Path, count: int) -> dict[str, Value]:
    read: Mapping[str, Any] = read_object(folder / "tokenizer.json")
    cut = read["pre_tokenizer"] or {}
    kinds = [each["type"] for each in cut.get("pretokenizers", [cut])]
    if read["model"]["type"] != "BPE" or kinds != _SMOLLM:
        raise RefusedFileError(
            "its tokenizer.json must be byte-level BPE that splits digits, as SmolLM's is, or a"
            f" tokenizer.model must lie beside it, got {read['model']['type']} with {kinds}"
        )
    special = {token["content"]: token["id"] for token in read["added_tokens"]}
    numbers: dict[str, int] = read["model"]["vocab"] | special
    _check_count(count, len(numbers))
    words = {number: word for word, number in numbers.items()}
    merges = read["model"]["merges"]
    return {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": [words.get(number, f"[PAD{number}]") for number in range(count)],
        "token_type": [_word_type(words.get(number), special) for number in range(count)],
        "merges": [each if isinstance(each, str) else " ".join(each) for each in merges],
        **_special_ids(folder, special),
        "add_bos_token": False,
        "add_space_prefix": False,
    }


def _word_type(word: str | None, special: Mapping[str, int]) -> int:
    if word is None:
        return int(_Type.UNUSED)
    return int(_Type.CONTROL if word in special else _Type.NORMAL)


def _special_ids(folder: Path, special: Mapping[str, int]) -> dict[str, Value]:
    settings: Mapping[str, Any] = read_object(folder / "tokenizer_config.json")
    tokens = {name: settings.get(f"{name}_token") for name in _IDS}
    return {
        f"{_IDS[name]}_token_id": special[token]
        for name, token in tokens.items()
        if token is not None
    }


def _check_count(count: int, known: int) -> None:
    if count < known:
        raise RefusedFileError(f"its vocab_size must be at least {known}, got {count}")
