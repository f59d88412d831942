"""Loads a model and its tokenizer from a directory of weights, as a job's channel holds them."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from container import JobError
from gguf_files.checkpoint import read_object
from gguf_files.header import RefusedFileError
from language_models.examples import Tokenizer
from language_models.gguf_weights import open_gguf

Model = Any  # transformers' models carry no types where this is checked


def find_gguf(directory: Path) -> Path | None:
    """Return the directory's GGUF file, or None for a checkpoint; raise JobError for neither."""
    ggufs, others = sorted(directory.glob("*.gguf")), checkpoint_files(directory)
    if len(ggufs) == 1 and not others:
        return ggufs[0]
    if ggufs or not others or not (directory / "config.json").is_file():
        found = ", ".join(sorted(file.name for file in directory.glob("*"))) or "nothing"
        raise JobError(
            f"{directory} must hold one .gguf, or .safetensors and config.json, got {found}"
        )
    return None


def checkpoint_files(directory: Path) -> list[Path]:
    """Return the weights of a transformers checkpoint, of today's kind or of the older one."""
    return [*directory.glob("*.safetensors"), *directory.glob("pytorch_model*.bin")]


def load_tokenizer(directory: Path) -> Tokenizer:
    """Load the tokenizer that lies beside the weights."""
    gguf, settings = find_gguf(directory), directory / "tokenizer_config.json"
    if gguf and not settings.is_file():
        return open_gguf(gguf).tokenizer()
    # Without a class transformers goes by the model's type, and fails for Mistral's where
    # mistral-common is installed, as it is in the training image.
    if not settings.is_file() or "tokenizer_class" not in _read(settings):
        raise JobError(f"{settings} must name a tokenizer_class, such as LlamaTokenizer")
    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if tokenizer.eos_token_id is None:
        raise JobError(f"the tokenizer in {directory} must have an end token")
    return tokenizer


def _read(settings: Path) -> dict[str, Any]:
    try:
        return read_object(settings)
    except RefusedFileError as error:
        raise JobError(str(error)) from error


def find_window(directory: Path) -> int:
    """Return the longest sequence in tokens that the model was trained for."""
    if gguf := find_gguf(directory):
        return open_gguf(gguf).window
    config = AutoConfig.from_pretrained(directory, local_files_only=True)
    return int(config.max_position_embeddings)


def load_model(
    directory: Path,
    *,
    dtype: torch.dtype,
    quantization: BitsAndBytesConfig | None = None,
    device: str | None = None,
    attends_to_all: bool = False,
) -> Model:
    """Load the weights in `dtype`, or quantized, onto one device; None leaves that to others.

    With `attends_to_all`, a token sees all before it, as in llama.cpp, which knows no window of
    attention that slides.
    """
    if gguf := find_gguf(directory):
        if quantization is not None:
            raise JobError(f"{gguf.name} is quantized already: set bits to 16, or use safetensors")
        return open_gguf(gguf).model(dtype).to(device or "cpu")
    config = AutoConfig.from_pretrained(directory, local_files_only=True)
    if attends_to_all:
        config.sliding_window = None
    return AutoModelForCausalLM.from_pretrained(
        directory,
        config=config,
        dtype=dtype,
        quantization_config=quantization,
        # A map that names the CPU would make peft dispatch the model to a GPU, were one there.
        device_map=None if device in {None, "cpu"} else {"": device},
        local_files_only=True,
    )
