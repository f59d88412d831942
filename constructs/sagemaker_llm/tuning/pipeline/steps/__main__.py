"""Compile the definition with the SageMaker SDK and write it: `make definition`."""

import sys

from sagemaker_llm.tuning.pipeline import compiled, parameters

from .definition import compile_definition


def main() -> None:
    """Write the definition to standard output, or to the file that synth reads with `--write`."""
    shapes = parameters.shapes()
    on_demand, spot = (compile_definition(shapes, managed_spot=spot) for spot in (False, True))
    text = compiled.to_text(on_demand, spot, made_from=compiled.digest(shapes))
    if sys.argv[1:] == ["--write"]:
        compiled.FILE.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
