"""All values of an execution, checked before anything with a GPU is paid for.

The preparing job checks them first, and `python jobs check` does where an execution is started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from container import ArgumentParser
from evaluation.options import Options, parse_options
from parameters import PARAMETERS
from tuning.hyperparameters import Hyperparameters, parse_hyperparameters
from tuning.memory import check_at_start

_OF_TRAINING, _OF_EVALUATION = (
    tuple(field.name for field in fields(each)) for each in (Hyperparameters, Options)
)
_INSTANCE_TYPE = "training_instance_type"
_NAMES = dict.fromkeys(("mode", *PARAMETERS, *_OF_TRAINING, *_OF_EVALUATION, _INSTANCE_TYPE))


def read_values(arguments: Sequence[str]) -> dict[str, str]:
    """Return the values of an execution by name, as texts; raise JobError for an unknown name."""
    parser = ArgumentParser(__doc__)
    for name in _NAMES:
        parser.add_argument(f"--{name}")
    values = vars(parser.parse_args(arguments))
    return {name: text for name, text in values.items() if text is not None}


def check_later_jobs(values: Mapping[str, str]) -> None:
    """Raise JobError for what a later job would refuse, once its instance is paid for."""
    p = parse_hyperparameters(_of(values, _OF_TRAINING))
    check_at_start(p, values.get(_INSTANCE_TYPE, ""))
    parse_options([f"--{name}={text}" for name, text in _of(values, _OF_EVALUATION).items()])


def _of(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}
