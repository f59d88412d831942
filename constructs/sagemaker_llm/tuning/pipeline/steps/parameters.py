"""The pipeline's parameters, with placeholders for their values."""

from collections.abc import Sequence

from .facts import ParameterShape, placeholder
from .sdk import Parameter, ParameterFloat, ParameterInteger, ParameterString

_TYPES = {"str": ParameterString, "int": ParameterInteger, "float": ParameterFloat}


class Parameters(dict[str, Parameter]):
    """The parameters by name, in the order of the definition."""

    def __init__(self, shapes: Sequence[ParameterShape]) -> None:
        super().__init__({shape.name: _parameter(shape) for shape in shapes})
        self.of_training = {s.name: self[s.name] for s in shapes if s.is_of_training}


def _parameter(shape: ParameterShape) -> Parameter:
    parameter = _TYPES[shape.type](shape.name)
    # Set afterwards, because the SDK's constructor requires a number; synth checks the real value.
    parameter.default_value = placeholder(f"parameters.{shape.name}")
    if shape.has_choices:
        parameter.enum_values = placeholder(f"choices.{shape.name}")
    return parameter


def text(parameter: Parameter) -> object:
    """Return a parameter as a string, as arguments and hyperparameters require."""
    return parameter if isinstance(parameter, ParameterString) else parameter.to_string()
