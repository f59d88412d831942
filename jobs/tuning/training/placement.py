"""Where a model is trained: on the CPU, on one GPU, whole on each of several, or sharded."""

import os
from dataclasses import dataclass

import torch

from tuning.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Placement:
    """The processes of this job, and the device of this one."""

    gpus: int
    processes: int = 1
    local_rank: int = 0
    bytes_per_gpu: int = 0

    @property
    def device(self) -> str:
        """The device that this process trains on."""
        return f"cuda:{self.local_rank}" if self.gpus else "cpu"

    def sharded(self, p: Hyperparameters) -> bool:
        """Return whether each GPU holds a part of the model: an adapter's base fits on each."""
        return self.gpus > 1 and not p.lora


def find_placement() -> Placement:
    """Return what torchrun and the machine say."""
    gpus = torch.cuda.device_count()
    return Placement(
        gpus=gpus,
        processes=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        bytes_per_gpu=torch.cuda.get_device_properties(0).total_memory if gpus else 0,
    )
