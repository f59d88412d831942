"""A pipeline step that invokes a Lambda function of the stack."""

from collections.abc import Mapping, Sequence
from typing import Any

from .sdk import Properties, Step, StepTypeEnum


class FunctionStep(Step):  # type: ignore[misc] # the SDK has no types
    """A Lambda step whose outputs are strings; the SDK's own class would deploy the function.

    It is not cached: SageMaker's documentation does not say what a cached Lambda step compares.
    """

    def __init__(
        self, name: str, *, function_arn: str, arguments: Mapping[str, Any], outputs: Sequence[str]
    ) -> None:
        super().__init__(name=name, step_type=StepTypeEnum.LAMBDA)
        self._function_arn = function_arn
        self._arguments = dict(arguments)
        self._outputs = tuple(outputs)

    @property
    def arguments(self) -> dict[str, Any]:
        """The event that the function receives."""
        return self._arguments

    @property
    def properties(self) -> Properties:
        """All outputs; `output` returns one."""
        return Properties(step_name=self.name, step=self)

    def output(self, name: str) -> Properties:
        """Return a field of the function's result, for later steps to read."""
        return Properties(step_name=self.name, step=self, path=f"OutputParameters['{name}']")

    def to_request(self) -> dict[str, Any]:
        """Return the step as it stands in the definition."""
        return {
            **super().to_request(),
            "FunctionArn": self._function_arn,
            "OutputParameters": [
                {"OutputName": name, "OutputType": "String"} for name in self._outputs
            ],
        }
