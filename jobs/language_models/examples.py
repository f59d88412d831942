"""Records as tokens: an instruction with a loss on its answer only, or text packed in windows."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from container import JobError
from language_models.prompt_format import write_completion, write_prompt

Record = Mapping[str, str]
Example = dict[str, list[int]]
Tokenizer = Any  # transformers' tokenizers carry no types where this is checked

IGNORED = -100  # a label that the loss leaves out


class Examples(NamedTuple):
    """What can be trained on or measured, and how many records were too long for it."""

    kept: list[Example]
    left_out: int


def read_records(path: Path) -> list[Record]:
    """Read what the preparing job wrote: prompt and completion, or text, one object a line."""
    if not path.is_file():
        raise JobError(f"{path} must exist, as the preparing job writes it")
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def instruction_example(record: Record, tokenizer: Tokenizer, prompt_format: str) -> Example:
    """Tokens of a prompt and its answer; the labels hide the prompt."""
    special = tokenizer.get_added_vocab()
    prompt = write_prompt(record["prompt"], prompt_format, special)
    both = prompt + write_completion(record["completion"], prompt_format, special)
    read = tokenizer(prompt).input_ids
    tokens = [*tokenizer(both).input_ids, tokenizer.eos_token_id]
    # A token can span the seam: the model is asked to write it, as when it serves.
    seam = next(
        (n for n, (a, b) in enumerate(zip(read, tokens, strict=False)) if a != b), len(read)
    )
    return {"input_ids": tokens, "labels": [IGNORED] * seam + tokens[seam:]}


def packed_examples(texts: Iterable[str], tokenizer: Tokenizer, window: int) -> Iterator[Example]:
    """Windows full of text, each text ended by the end token; the last window may be shorter."""
    tokens: list[int] = []
    for text in texts:
        tokens += [*tokenizer(text).input_ids, tokenizer.eos_token_id]
        while len(tokens) >= window:
            yield {"input_ids": tokens[:window], "labels": tokens[:window]}
            tokens = tokens[window:]
    if len(tokens) > 1:  # one token alone predicts nothing
        yield {"input_ids": tokens, "labels": list(tokens)}


def make_examples(
    records: Sequence[Record], tokenizer: Tokenizer, *, prompt_format: str, max_input_length: int
) -> Examples:
    """Examples of at most `max_input_length` tokens; longer instructions are left out."""
    is_text = bool(records) and "text" in records[0]
    if is_text or prompt_format == "none":
        _report_control_tokens(records, tokenizer)
    if is_text:
        texts = (record["text"] for record in records)
        return Examples(list(packed_examples(texts, tokenizer, max_input_length)), 0)
    examples = [instruction_example(record, tokenizer, prompt_format) for record in records]
    kept = [example for example in examples if len(example["input_ids"]) <= max_input_length]
    if left_out := len(examples) - len(kept):
        print(f"left out {left_out} records of more than {max_input_length} tokens")
    if examples and not kept:
        raise JobError(f"max_input_length must fit a record, got {max_input_length} tokens")
    return Examples(kept, left_out)


def _report_control_tokens(records: Sequence[Record], tokenizer: Tokenizer) -> None:
    """Say how many records the tokenizer will cut at tokens of its own: nothing escapes these."""
    special = tokenizer.get_added_vocab()
    found = sum(any(s in text for text in record.values() for s in special) for record in records)
    if found:
        print(f"{found} of {len(records)} records hold control tokens, which are read as such")
