"""Where the sources of functions and jobs lie: in the repository, or in the installed wheel."""

import sys
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_CARRIED = _PACKAGE / "sources"
_IS_WHEEL = _CARRIED.is_dir()
_ROOT = _CARRIED if _IS_WHEEL else _PACKAGE.parents[1]

FUNCTIONS = _ROOT / "lambda"
JOBS = _ROOT / "jobs"
# The measurements that sizing starts from.
PROFILES = _ROOT / ("profiles" if _IS_WHEEL else "bench/profiles")
BUILT = _ROOT / "build"
BUILD_COMMAND = "python -m sagemaker_llm_build" if _IS_WHEEL else "python lambda/build_functions.py"

# The library imports the proxy's wire types and errors, and what the jobs allow: each a package of
# its own name.
sys.path += [str(folder) for folder in (FUNCTIONS, JOBS) if str(folder) not in sys.path]
