"""Processing job: measures a tuned model beside its base on held-out data and long prompts."""

import os
import sys
from collections.abc import Sequence

from allowed_values.evaluation import parse_options
from allowed_values.execution import read_arguments
from container import processing_message_file, processing_root, run_job
from gpu import check_gpus


def main(arguments: Sequence[str]) -> None:
    """Check the arguments, then evaluate; raise JobError for bad ones."""
    options = parse_options(read_arguments(arguments))
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that a job needs lies in its inputs
    check_gpus()
    from evaluation.job import evaluate  # noqa: PLC0415 - seconds that a refusal should not wait for

    evaluate(options, processing_root())


if __name__ == "__main__":
    sys.exit(run_job(lambda: main(sys.argv[1:]), processing_message_file()))
