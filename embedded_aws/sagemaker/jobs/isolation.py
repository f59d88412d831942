"""Network isolation of a job's process, where the kernel has network namespaces and lets us.

Elsewhere (macOS, some containers) an isolated job reaches the network, but has no way to AWS: no
credentials, and no endpoint.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_LOOPBACK = Path(__file__).with_name("loopback.py")


@cache
def prefix() -> list[str]:
    """Return what a command begins with to run with loopback as its whole network; else nothing."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    whom = [] if os.geteuid() == 0 else ["--map-root-user"]  # its own user may not
    isolated = [unshare, *whom, "--net", "--", sys.executable, "-S", str(_LOOPBACK)]
    tried = subprocess.run([*isolated, "true"], capture_output=True, check=False)  # noqa: S603 - ours
    return isolated if tried.returncode == 0 else []
