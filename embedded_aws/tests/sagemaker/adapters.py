"""Archives of random LoRA adapters for SmolLM2, as PEFT and `tar` make them."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

_RANK, _HIDDEN, _BLOCKS = 2, 576, 30


def random_adapter(folder: Path, seed: int) -> bytes:
    """Return the archive of a random adapter of the queries, which changes what is answered."""
    folder.mkdir()
    draw = np.random.default_rng(seed)
    tensors = {
        f"base_model.model.model.layers.{block}.self_attn.q_proj.lora_{part}.weight": draw.normal(
            0, 0.4, shape
        ).astype(np.float32)
        for block in range(_BLOCKS)
        for part, shape in {"A": (_RANK, _HIDDEN), "B": (_HIDDEN, _RANK)}.items()
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": _RANK, "lora_alpha": 4}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return buffer.getvalue()
