"""Training job: fine-tunes a causal language model on what the preparing job wrote."""

import os
import sys
from collections.abc import Sequence

from container import run_job, training_failure_file
from tuning.channels import find_channels
from tuning.hyperparameters import parse_hyperparameters
from tuning.launch import relaunch_on_all_gpus


def main(arguments: Sequence[str]) -> None:
    """Check what was given, then train; raises JobError."""
    parameters, channels = parse_hyperparameters(arguments), find_channels()
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that a job needs lies in its channels
    relaunch_on_all_gpus(__file__, arguments)
    from tuning.job import fine_tune  # noqa: PLC0415 - seconds that a refusal should not wait for

    fine_tune(parameters, channels)


if __name__ == "__main__":
    sys.exit(run_job(lambda: main(sys.argv[1:]), training_failure_file()))
