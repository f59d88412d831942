"""The preparing job's own options."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from allowed_values.parameters import read_values
from allowed_values.rules import RefusedValueError


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the data are read and split."""

    mode: str
    validation_split: float
    test_split: float
    max_input_length: int  # in estimated tokens
    max_rejected_fraction: float
    seed: int


_NAMES = tuple(field.name for field in fields(Options))


def parse_options(values: Mapping[str, str]) -> Options:
    """Return the options among an execution's values; raise RefusedValueError for a bad one."""
    given = {name: text for name, text in values.items() if name in _NAMES}
    options = Options(**read_values(given, _NAMES))
    if options.validation_split + options.test_split >= 1:
        raise RefusedValueError(
            "validation_split and test_split must be below 1 together, or nothing is left to train"
            f" on, got {options.validation_split} and {options.test_split}"
        )
    # The training job would refuse it too, but only once its GPUs are paid for.
    wanted = str(options.mode == "instruction")
    if values.get("instruction_tuned", wanted) != wanted:
        raise RefusedValueError(
            f"instruction_tuned must be {wanted} for mode {options.mode},"
            f" got {values['instruction_tuned']}"
        )
    return options
