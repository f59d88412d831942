"""Where a model is trained: on the CPU, on one GPU, whole on each of several, or sharded."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from language_models.base_weights import checkpoint_files
from tuning.hyperparameters import Hyperparameters

# float32 weights, their gradients and Adam's two states
_BYTES_PER_TRAINED_WEIGHT = 16
# the rest of a GPU's memory is for activations and for the layer that is gathered
_SHARE_FOR_STATES = 0.7


@dataclass(frozen=True)
class Placement:
    """The processes of this job, and the device of this one."""

    gpus: int
    processes: int = 1
    local_rank: int = 0

    @property
    def device(self) -> str:
        """The device that this process trains on."""
        return f"cuda:{self.local_rank}" if self.gpus else "cpu"

    def sharded(self, p: Hyperparameters) -> bool:
        """Whether each GPU holds a part of the model: an adapter's base fits on each."""
        return self.gpus > 1 and not p.lora


def find_placement() -> Placement:
    """Return what torchrun and the machine say."""
    return Placement(
        gpus=torch.cuda.device_count(),
        processes=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
    )


def sharding_settings(base: Path, gpus: int, bytes_per_gpu: int) -> dict[str, Any]:
    """Return the Trainer's settings for training all weights in `base` over `gpus` GPUs.

    The states go to the host's memory where the GPUs together cannot hold them: a 7B model has
    116 GB of them, four A10G have 96 GB.
    """
    weights = sum(file.stat().st_size for file in checkpoint_files(base)) // 2  # 16 bits each
    fits = weights * _BYTES_PER_TRAINED_WEIGHT < _SHARE_FOR_STATES * gpus * bytes_per_gpu
    return {
        "fsdp": "full_shard auto_wrap" if fits else "full_shard auto_wrap offload",
        "fsdp_config": {
            "activation_checkpointing": True,
            # only the first process reads the weights; the others receive theirs
            "cpu_ram_efficient_loading": True,
            "sync_module_states": True,
        },
    }
