"""Where the sources of functions and jobs lie: in the repository, or in the installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_CARRIED = _PACKAGE / "sources"
_IS_WHEEL = _CARRIED.is_dir()
_ROOT = _CARRIED if _IS_WHEEL else _PACKAGE.parents[1]

FUNCTIONS = _ROOT / "lambda"
JOBS = _ROOT / "jobs"
BUILT = _ROOT / "build"
BUILD_COMMAND = "python -m sagemaker_llm_build" if _IS_WHEEL else "python lambda/build_functions.py"
