"""Starts a process for each GPU, as torchrun does."""

import os
import sys
from collections.abc import Sequence


def relaunch_on_all_gpus(script: str, arguments: Sequence[str]) -> None:
    """Replace this process by torchrun where there are several GPUs and no torchrun yet."""
    gpus = int(os.environ.get("SM_NUM_GPUS", "0"))
    if gpus < 2 or "LOCAL_RANK" in os.environ:  # noqa: PLR2004 - several
        return
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}"]
    os.execv(sys.executable, [sys.executable, *torchrun, script, *arguments])  # noqa: S606 - no shell is wanted
