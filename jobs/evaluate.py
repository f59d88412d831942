"""Processing job: measures a tuned model beside its base on held-out data and long prompts."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence

from container import ArgumentParser, processing_message_file, processing_root, run_job
from language_models.input_length import read_input_length
from language_models.prompt_format import PROMPT_FORMATS


def main(arguments: Sequence[str]) -> None:
    """Check what was given, then evaluate; raises JobError."""
    parser = ArgumentParser(__doc__)
    parser.add_argument("--prompt_format", choices=sorted(PROMPT_FORMATS), default="none")
    parser.add_argument(
        "--max_input_length", "--max-input-length", type=read_input_length, default=-1
    )
    parser.add_argument("--retrieval_lengths", type=_lengths, default="1024,2048,4096,8192")
    parser.add_argument("--retrieval_trials", type=_positive, default=10)
    parser.add_argument("--sample_prompts", type=_positive, default=8)
    parser.add_argument("--max_new_tokens", type=_positive, default=64)
    parser.add_argument("--seed", type=int, default=10)
    options = vars(parser.parse_args(arguments))
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that a job needs lies in its inputs
    from evaluation.job import Options, evaluate  # noqa: PLC0415 - seconds that a refusal should not wait for

    evaluate(Options(**options), processing_root())


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise ArgumentTypeError(f"must be positive, got {text}")
    return value


def _lengths(text: str) -> list[int]:
    return [_positive(length) for length in text.split(",")]


if __name__ == "__main__":
    sys.exit(run_job(lambda: main(sys.argv[1:]), processing_message_file()))
