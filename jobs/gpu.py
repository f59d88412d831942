"""The GPUs of a job: the image's libraries for older drivers, and a refusal to fall to the CPU."""

import json
import os
import re
import sys
from pathlib import Path

from allowed_values.instances import INSTANCES
from container import JobError

# The image's own entry point, which ours replaces, runs it.
_COMPATIBILITY = Path("/usr/local/bin/start_cuda_compat.sh")
_DONE = "CUDA_COMPATIBILITY_DONE"
_DEVICES = Path("/dev")
_DRIVER = Path("/proc/driver/nvidia/version")
# Where a job finds its own description, and where its instance type stands in it.
_CONFIGURATIONS = {
    "/opt/ml/input/config/resourceconfig.json": ("current_instance_type",),
    "/opt/ml/config/processingjobconfig.json": (
        *("ProcessingResources", "ClusterConfig", "InstanceType"),
    ),
}


def use_compatibility_libraries() -> None:
    """Start this program again after the image's script, which may extend LD_LIBRARY_PATH.

    Unverified: that the image has the script there; see the first lines of a training's log.
    """
    if not _COMPATIBILITY.is_file() or _DONE in os.environ:
        return
    os.environ[_DONE] = "1"
    source = 'source "$0" || true; exec "$@"'  # the words reach the program as they are
    command = ["bash", "-c", source, str(_COMPATIBILITY), sys.executable, *sys.argv]
    os.execvp("bash", command)  # noqa: S606, S607 - the image's, and no value is part of a line


def check_gpus() -> None:
    """Raise JobError where there are GPUs, or should be, that CUDA cannot use."""
    import torch  # noqa: PLC0415 - seconds that a refusal should not wait for

    if torch.version.cuda is None or "CUDA_VISIBLE_DEVICES" in os.environ:
        return
    present = len([path for path in _DEVICES.glob("nvidia*") if path.name[6:].isdecimal()])
    wanted = max(present, promised_gpus())
    usable = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if usable < wanted:
        raise JobError(
            f"CUDA {torch.version.cuda} must be able to use all {wanted} GPUs of the instance, it"
            f" can use {usable}; {driver()}: choose an image whose CUDA the driver knows"
        )


def promised_gpus() -> int:
    """Return the GPUs of the job's instance type, where this is a container of SageMaker's."""
    if "TRAINING_ROOT" in os.environ or "PROCESSING_ROOT" in os.environ:
        return 0  # what stands for the container has the type's name and not its GPUs
    for path, keys in _CONFIGURATIONS.items():
        if Path(path).is_file():
            value = json.loads(Path(path).read_text(encoding="utf-8"))
            for key in keys:
                value = value.get(key, {})
            return INSTANCES[value].gpus if value in INSTANCES else 0
    return 0


def driver() -> str:
    """Return the driver's version in words."""
    text = _DRIVER.read_text(encoding="utf-8") if _DRIVER.is_file() else ""
    found = re.search(r"\b\d{3}\.\d+(?:\.\d+)?\b", text)
    return f"the driver is {found[0]}" if found else "there is no NVIDIA driver"
