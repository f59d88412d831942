"""The evaluation's options, which the preparing job checks too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from allowed_values.parameters import read_values


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much each model is asked to do."""

    prompt_format: str
    max_input_length: int
    retrieval_lengths: Sequence[int]
    retrieval_trials: int
    sample_prompts: int
    max_new_tokens: int
    seed: int


NAMES = tuple(field.name for field in fields(Options))


def parse_options(values: Mapping[str, str]) -> Options:
    """Return the options; raise RefusedValueError for bad ones and for unknown names."""
    read = read_values(values, NAMES)
    lengths = [int(length) for length in read.pop("retrieval_lengths").split(",")]
    return Options(**read, retrieval_lengths=lengths)
