"""Training job: fine-tunes a causal language model on what the preparing job wrote."""

import json
import os

from allowed_values.hyperparameters import parse_hyperparameters
from container import run_job, training_failure_file, training_root
from gpu import check_gpus
from tuning.channels import find_channels
from tuning.launch import exit_with, relaunch_on_all_gpus


def main() -> None:
    """Check the hyperparameters and channels, then train; raise JobError for bad ones."""
    given = training_root() / "input" / "config" / "hyperparameters.json"
    parameters = parse_hyperparameters(json.loads(given.read_text(encoding="utf-8")))
    channels = find_channels(training_root())
    os.environ["HF_HUB_OFFLINE"] = "1"  # all that a job needs lies in its channels
    check_gpus()
    relaunch_on_all_gpus("fine_tune")
    from tuning.job import fine_tune  # noqa: PLC0415 - seconds that a refusal should not wait for

    fine_tune(parameters, channels)


if __name__ == "__main__":
    exit_with(run_job(main, training_failure_file()))
