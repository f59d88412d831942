"""Stands for the scripts of all jobs: reads what SageMaker brought, writes what it takes back.

The roles, the transfers and the logs around it are those of the real jobs; only the computing is
left out, so that a mutant costs seconds. A file among the data says what else is wanted: `wait`
keeps the preparation running, `wait-to-train` the training, `bad-model` makes a model that no
endpoint can load.
"""

import json
import os
import shutil
import sys
import time
import uuid
from pathlib import Path

_WAIT_SECONDS = 600
_HEADS, _KEY_HEADS, _HIDDEN = 9, 3, 576  # SmolLM2-135M's


def prepare(root: Path) -> None:
    """Write all outputs, and hand the flags on."""
    data = root / "input" / "data"
    if (data / "wait").exists():
        time.sleep(_WAIT_SECONDS)
    for name in ("train", "validation", "test", "report"):
        folder = root / "output" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "records.jsonl").write_text("{}\n")
        for flag in data.iterdir():
            if flag.is_file() and flag.stat().st_size == 0:
                shutil.copy(flag, folder)
    (root / "output" / "report" / "report.json").write_text('{"sha256": "0"}')


def evaluate(root: Path) -> None:
    """Write figures that pass the gate."""
    names = ("loss_reduction", "passkey_retrieval_change", "line_retrieval_change")
    metrics = {name: {"value": 0.5} for name in names}
    folder = root / "output" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps({"text_generation_metrics": metrics}))
    (folder / "report.html").write_text("<html></html>")


def fine_tune(root: Path) -> None:
    """Write a model, and a checkpoint in the place of an earlier job's."""
    channel, model = root / "input" / "data" / "train", root / "model"
    for checkpoint in (root / "checkpoints").iterdir():
        checkpoint.unlink()
    (root / "checkpoints" / uuid.uuid4().hex).write_text("0")
    if (channel / "wait-to-train").exists():
        print("training", flush=True)
        time.sleep(_WAIT_SECONDS)
    heads = {"num_attention_heads": _HEADS, "num_key_value_heads": _KEY_HEADS}
    (model / "config.json").write_text(json.dumps(heads))
    module = "no_such_module" if (channel / "bad-model").exists() else "self_attn.q_proj"
    write_adapter(model / "adapter", module)


def write_adapter(folder: Path, module: str) -> None:
    """Write an adapter of rank 1 that changes nothing."""
    import numpy as np  # noqa: PLC0415 - the other jobs do without
    from safetensors.numpy import save_file  # noqa: PLC0415

    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": 1, "r": 1}))
    name = f"base_model.model.model.layers.0.{module}.lora_{{}}.weight"
    zeros = {"A": (1, _HIDDEN), "B": (_HIDDEN, 1)}
    tensors = {name.format(part): np.zeros(shape, np.float32) for part, shape in zeros.items()}
    save_file({"x": np.zeros(1, np.float32)}, folder.parent / "model.safetensors")
    save_file(tensors, folder / "adapter_model.safetensors")


if __name__ == "__main__":
    print("a stub of the job began", *sys.argv[1:], flush=True)
    if "TRAINING_ROOT" in os.environ:
        fine_tune(Path(os.environ["TRAINING_ROOT"]))
    else:
        script = {"prepare": prepare, "evaluate": evaluate}[sys.argv[1]]
        script(Path(os.environ["PROCESSING_ROOT"]))
    print("a stub of the job ended", flush=True)
