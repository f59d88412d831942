"""Builds the functions' assets for an app that installed the library: run it before synth.

    python -m sagemaker_llm_build [aws] [local]

It stands beside the package and not in it, so that a build does not start the CDK.
"""

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """Run the build that the wheel carries, with the pyodide of the app's folder."""
    package = find_spec("sagemaker_llm")
    if package is None or package.origin is None:
        sys.exit("sagemaker_llm must be installed: its functions are what is built")
    sys.path.insert(0, str(Path(package.origin).parent / "sources" / "lambda"))
    import build_functions  # noqa: PLC0415 - found on the line above

    build_functions.run(sys.argv[1:])


if __name__ == "__main__":
    main()
