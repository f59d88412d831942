"""Starts a process for each GPU, as torchrun does."""

import os
import sys


def relaunch_on_all_gpus(script: str) -> None:
    """Replace this process by torchrun where there are several GPUs and no torchrun yet.

    torchrun starts the program that this process is, with the script's name, on each GPU.
    """
    if "LOCAL_RANK" in os.environ:
        return
    import torch  # noqa: PLC0415 - seconds that a refusal should not wait for

    gpus = torch.cuda.device_count()
    if gpus < 2:  # noqa: PLR2004 - several
        return
    # On this host alone, whose name an isolated network may not resolve.
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command = [sys.executable, *torchrun, f"--nproc-per-node={gpus}", sys.argv[0], script]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
