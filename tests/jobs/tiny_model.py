"""A tiny Mistral with random weights, and data as the preparing job writes it."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

BASE_ID = {"base_model_id": "tiny-mistral", "base_model_license": "apache-2.0"}


def write_base(directory: Path) -> None:
    """Write what the base weights' channel holds: safetensors, a tokenizer of bytes, a licence."""
    vocabulary = _write_tokenizer(directory)
    write_weights(directory, vocabulary)
    (directory / "LICENSE").write_text("Apache License\n")


def write_weights(directory: Path, vocabulary: int) -> None:
    """Write random weights in bfloat16, the same each time, for so many tokens."""
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=1024,
        sliding_window=None,
        initializer_range=0.2,
    )
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(directory)


def _write_tokenizer(directory: Path) -> int:
    special = ["<unk>", "<s>", "</s>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(directory)
    # not as today's library lays it out: a copy of it must stay so
    file = directory / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()), separators=(",", ":")))
    return len(words)


def write_split(root: Path, name: str, records: list[dict[str, str]]) -> Path:
    """Write what the preparing job would for one split, and return its directory."""
    directory = root / name
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (directory / f"{name}.jsonl").write_text(lines)
    return directory


def write_report(train: Path, mode: str) -> None:
    """Write the preparing job's report beside the training split."""
    report: dict[str, Any] = {
        "mode": mode,
        "max_rejected_fraction": 0.1,
        "sha256": "5" * 64,
        "records": {"counted": 12, "kept": 12},
        "splits": {"train": 8, "validation": 4, "test": 0},
    }
    if mode == "instruction":
        report["template"] = {"prompt": "Say {letter}", "completion": " {answer}"}
    (train / "report.json").write_text(json.dumps(report))


def instructions(first: int, last: int) -> list[dict[str, str]]:
    """Records whose answer can be learned from the prompt's last letter."""
    return [
        {"prompt": f"Say {'xyz'[number % 3]}", "completion": f" {'xyz'[number % 3] * 4}"}
        for number in range(first, last)
    ]
