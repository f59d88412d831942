"""The evaluation's options, which the preparing job checks too."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass, fields

from container import ArgumentParser
from language_models.prompt_format import PROMPT_FORMATS
from parameters import PARAMETERS, reader


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


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the job's arguments; raise JobError for bad ones."""
    parser = ArgumentParser(__doc__)
    parser.add_argument("--prompt_format", choices=sorted(PROMPT_FORMATS), default="none")
    for name in (field.name for field in fields(Options) if field.name in PARAMETERS):
        read = _lengths if name == "retrieval_lengths" else reader(name)
        parser.add_argument(f"--{name}", type=read, default=PARAMETERS[name].default)
    return Options(**vars(parser.parse_args(arguments)))


def _lengths(text: str) -> list[int]:
    lengths = [int(length) for length in text.split(",")]
    if min(lengths) < 1:
        raise ArgumentTypeError(f"must be positive, got {text}")
    return lengths
