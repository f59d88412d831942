"""Processing job: measures a tuned model beside its base on held-out data and long prompts."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence

from container import ArgumentParser, processing_message_file, processing_root, run_job
from language_models.prompt_format import PROMPT_FORMATS
from parameters import PARAMETERS, reader

_PARAMETERS = (
    "max_input_length",
    "retrieval_lengths",
    "retrieval_trials",
    "sample_prompts",
    "max_new_tokens",
    "seed",
)


def main(arguments: Sequence[str]) -> None:
    """Check the arguments, then evaluate; raise JobError for bad ones."""
    parser = ArgumentParser(__doc__)
    parser.add_argument("--prompt_format", choices=sorted(PROMPT_FORMATS), default="none")
    for name in _PARAMETERS:
        read = _lengths if name == "retrieval_lengths" else reader(name)
        parser.add_argument(f"--{name}", type=read, default=PARAMETERS[name].default)
    options = vars(parser.parse_args(arguments))
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that a job needs lies in its inputs
    from evaluation.job import Options, evaluate  # noqa: PLC0415 - seconds that a refusal should not wait for

    evaluate(Options(**options), processing_root())


def _lengths(text: str) -> list[int]:
    lengths = [int(length) for length in text.split(",")]
    if min(lengths) < 1:
        raise ArgumentTypeError(f"must be positive, got {text}")
    return lengths


if __name__ == "__main__":
    sys.exit(run_job(lambda: main(sys.argv[1:]), processing_message_file()))
