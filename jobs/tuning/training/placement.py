"""Where a model is trained: on the CPU, on one GPU, whole on each of several, or sharded."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from allowed_values.hyperparameters import Hyperparameters
from allowed_values.instances import Instance
from allowed_values.memory import check_accumulation, check_fits, read_shape


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


def check_placement(p: Hyperparameters, placement: Placement, base: Path) -> None:
    """Raise JobError for a training that these GPUs have not the memory for."""
    check_accumulation(p, placement.gpus)
    if placement.gpus and (shape := read_shape(base)):
        host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        machine = Instance(placement.gpus, placement.bytes_per_gpu, host)
        check_fits(p, shape, machine, "this machine")
