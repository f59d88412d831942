"""Starts a process for each GPU, as torchrun does, and ends each one."""

import os
import sys
from typing import NoReturn


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


def exit_with(status: int) -> NoReturn:
    """End this process; one of torchrun's without taking the interpreter down.

    The threads of torch's process group release tensors, for which they need the interpreter: as it
    goes down they may abort the process, and torchrun then ends the one that still writes the
    model. A group that is destroyed before may wait for these threads for ever.
    """
    if "LOCAL_RANK" in os.environ:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # A signal may have come in the midst of a write, which refuses to be flushed.
            os._exit(status)
    sys.exit(status)
