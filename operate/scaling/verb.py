"""The verb: an embedded AWS of its own, which is deleted afterwards, and a process in it."""

import os
import subprocess
import sys
import tempfile

from embedded_aws.host.processes import free_port
from operate.cdk_cli import ROOT


def rehearse_scaling(time_scale: int) -> None:
    """Rehearse; raises SystemExit when a part of the plan does not act."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        own = {
            **os.environ,
            "LOCAL_AWS_HOME": folder,
            "LOCAL_AWS_PORT": str(free_port()),
            "LOCAL_LOAD": "rehearsed",
            # The ramp is short: compiling its simulation takes longer.
            "NUMBA_DISABLE_JIT": "1",
        }
        try:
            process = [sys.executable, "-m", "operate.scaling", str(time_scale)]
            ended = subprocess.run(process, env=own, cwd=ROOT, check=False)  # noqa: S603 - ours
        finally:
            stop = [sys.executable, "-m", "embedded_aws", "stop"]
            subprocess.run(  # noqa: S603 - our own program
                stop, env=own, cwd=ROOT, check=False, capture_output=True
            )
    if ended.returncode:
        raise SystemExit(ended.returncode)
