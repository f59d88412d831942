"""The preparing job's own options."""

from argparse import Namespace
from collections.abc import Mapping

from container import ArgumentParser, JobError
from parameters import PARAMETERS, reader

MODES = ("domain", "instruction")
_PARAMETERS = (
    "validation_split",
    "test_split",
    "max_input_length",  # in estimated tokens
    "max_rejected_fraction",
    "seed",
)


def parse_options(values: Mapping[str, str]) -> Namespace:
    """Return the options among the values of an execution; raise JobError for a bad one."""
    parser = ArgumentParser(__doc__)
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--instruction_tuned", choices=("True", "False"))
    for name in _PARAMETERS:
        parser.add_argument(f"--{name}", type=reader(name), default=PARAMETERS[name].default)
    known = ("mode", "instruction_tuned", *_PARAMETERS)
    options = parser.parse_args([f"--{n}={text}" for n, text in values.items() if n in known])
    _check_mode(options)
    return options


def _check_mode(options: Namespace) -> None:
    # The training job would refuse it too, but only once its GPUs are paid for.
    wanted = str(options.mode == "instruction")
    if options.instruction_tuned not in {None, wanted}:
        raise JobError(
            f"instruction_tuned must be {wanted} for mode {options.mode},"
            f" got {options.instruction_tuned}"
        )
