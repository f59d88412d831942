"""A model that no GPU can train alone: its weights and their states dealt out over all of them."""

import os
from pathlib import Path
from typing import Any

import torch.distributed.checkpoint as distributed_checkpoint
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from transformers import Trainer

from allowed_values.memory import states_fit
from language_models.base_weights import checkpoint_files


def sharding_settings(base: Path, gpus: int, bytes_per_gpu: int) -> dict[str, Any]:
    """Return the Trainer's settings for training all weights in `base` over `gpus` GPUs.

    The states go to the host's memory where the GPUs together cannot hold them: a 7B model has
    116 GB of them, four A10G have 96 GB.
    """
    # Each GPU writes and reads its part of a checkpoint. Whole ones are gathered in the host's
    # memory, and read there by every process at once: beside a 7B model's states, 192 GiB are too
    # few. The Trainer has no argument for it.
    os.environ["FSDP_STATE_DICT_TYPE"] = "SHARDED_STATE_DICT"
    weights = sum(file.stat().st_size for file in checkpoint_files(base)) // 2  # 16 bits each
    fits = states_fit(weights, gpus, bytes_per_gpu)
    return {
        "fsdp": "full_shard auto_wrap" if fits else "full_shard auto_wrap offload",
        # States in the host's memory are exchanged there; accelerate would choose so itself, but
        # is asked before it hears of the sharding.
        "ddp_backend": "cuda:nccl,cpu:gloo",
        "fsdp_config": {
            "activation_checkpointing": True,
            # Only the first process reads the weights; the others receive theirs.
            "cpu_ram_efficient_loading": True,
            "sync_module_states": True,
        },
    }


def keep_buffers_exact(trainer: Trainer) -> None:
    """Leave the rotary frequencies in float32, as they are served: in 16 bits, far tokens shift."""
    if trainer.args.bf16:
        plugin = trainer.accelerator.state.fsdp_plugin
        plugin.set_mixed_precision("bf16", buffer_autocast=True, override=True)


def load_sharded_optimizer(trainer: Trainer, checkpoint: Path) -> None:
    """Read what every GPU wrote of its optimizer's state.

    accelerate 1.10 reads it into what a new optimizer has, which is nothing, and says nothing.
    """
    optimizer = trainer.optimizer.optimizer  # without accelerate's wrapper
    in_host = StateDictOptions(cpu_offload=True)  # the GPUs have no room for it twice
    state = {"optimizer": get_optimizer_state_dict(trainer.model, optimizer, options=in_host)}
    distributed_checkpoint.load(state, checkpoint_id=checkpoint / "optimizer_0")
    set_optimizer_state_dict(
        trainer.model, optimizer, optim_state_dict=state["optimizer"], options=in_host
    )
