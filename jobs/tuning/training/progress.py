"""Prints the losses in the form that the training job's metric definitions match."""

import math
from typing import Any

from transformers import TrainerCallback

# Metric name -> (key in the trainer's log, name that is printed); the job's metric definitions find
# a value by `<printed>=([0-9.]+)`.
METRICS = {
    "huggingface-textgeneration:train-loss": ("loss", "train-loss"),
    "huggingface-textgeneration:eval-loss": ("eval_loss", "eval-loss"),
}


class MetricLines(TrainerCallback):  # type: ignore[misc] # transformers is not installed here
    """One line for each logged loss, from the first process only."""

    def on_log(
        self,
        args: Any,  # noqa: ANN401, ARG002 - transformers' signature
        state: Any,  # noqa: ANN401 - transformers' signature
        control: Any,  # noqa: ANN401, ARG002 - transformers' signature
        logs: dict[str, float] | None = None,
        **_: Any,  # noqa: ANN401 - transformers' signature
    ) -> None:
        """Print the logged losses in fixed-point notation."""
        if not state.is_world_process_zero:
            return
        for key, printed in METRICS.values():
            if logs and key in logs and math.isfinite(logs[key]):
                print(f"step={state.global_step} {printed}={logs[key]:.6f}", flush=True)
