"""Runs a script by name, where this folder is a zip: `python <zip> prepare --mode domain`."""

import runpy
import signal
import sys

from gpu import use_compatibility_libraries
from tuning.launch import exit_with

_SCRIPTS = ("check", "prepare", "fine_tune", "evaluate")
_ON_GPUS = ("fine_tune", "evaluate")

if __name__ == "__main__":
    # As a container's first process, Python would ignore it.
    signal.signal(signal.SIGTERM, lambda number, _: exit_with(128 + number))
    if sys.argv[1:] and sys.argv[1] in _ON_GPUS:
        use_compatibility_libraries()
    script = sys.argv.pop(1) if sys.argv[1:] else ""
    if script not in _SCRIPTS:
        sys.exit(f"the script must be one of {', '.join(_SCRIPTS)}, got {script!r}")
    runpy.run_module(script, run_name="__main__")
