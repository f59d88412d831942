"""Runs a script by name, where this folder is a zip: `python <zip> prepare --mode domain`."""

import runpy
import sys

_SCRIPTS = ("prepare", "evaluate")

if __name__ == "__main__":
    script = sys.argv.pop(1) if sys.argv[1:] else ""
    if script not in _SCRIPTS:
        sys.exit(f"the script must be one of {', '.join(_SCRIPTS)}, got {script!r}")
    runpy.run_module(script, run_name="__main__")
