"""The training script with its model sharded over processes on the CPU, as it is over GPUs.

accelerate shards over accelerators only, so it is told that each process has one.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from accelerate.state import DistributedType, PartialState
from torch.distributed.fsdp import FullStateDictConfig

sys.path.insert(0, str(Path(__file__).parents[2] / "jobs"))

import fine_tune
from container import run_job, training_failure_file
from tuning.launch import exit_with
from tuning.training import train
from tuning.training.placement import Placement
from tuning.training.progress import MetricLines
from tuning.training.sharding import sharding_settings


class ShardedPlacement(Placement):
    """Processes on the CPU that hold a part of the model each."""

    def sharded(self, *_: object) -> bool:
        """Say so."""
        return True


def settings(base: Path, _gpus: int, bytes_per_gpu: int) -> dict[str, Any]:
    """The settings for GPUs but for what the CPU cannot do: to load the model in one process."""
    given = sharding_settings(base, 2, bytes_per_gpu)
    cpu = {"cpu_ram_efficient_loading": False, "sync_module_states": False}
    return given | {"ddp_backend": "gloo", "fsdp_config": given["fsdp_config"] | cpu}


def use_cpu(state: PartialState) -> None:
    """Set what would be a GPU."""
    state.device = torch.device("cpu")


def stop(*given: Any, **_: object) -> None:
    """End as a spot instance ends its processes."""
    if given[2].global_step == int(os.environ.get("STOP_AT_STEP", "0")):
        os.kill(os.getpid(), signal.SIGTERM)


def not_offloaded(*, rank0_only: bool, **_: bool) -> FullStateDictConfig:
    """How the whole weights are gathered where they are."""
    return FullStateDictConfig(rank0_only=rank0_only)


def main() -> None:
    """Run the job as one of torchrun's processes."""
    torch.distributed.init_process_group("gloo")
    placement = ShardedPlacement(
        gpus=0, processes=int(os.environ["WORLD_SIZE"]), bytes_per_gpu=2**30
    )
    accelerators = ("gloo", DistributedType.MULTI_GPU)
    with (
        patch.object(PartialState, "_prepare_backend", lambda *_, **__: accelerators),
        patch.object(PartialState, "set_device", use_cpu),
        patch.object(train, "find_placement", lambda: placement),
        patch.object(train, "sharding_settings", settings),
        # nothing is moved from the CPU to the CPU: what is gathered would be freed with its source
        patch.object(torch.distributed.fsdp, "FullStateDictConfig", not_offloaded),
        patch.object(MetricLines, "on_step_end", stop),
    ):
        fine_tune.main()


if __name__ == "__main__":
    exit_with(run_job(main, training_failure_file()))
