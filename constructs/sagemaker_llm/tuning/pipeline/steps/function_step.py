"""A pipeline's step that runs a Lambda function of this app."""

from collections.abc import Mapping, Sequence
from typing import Any

from .sdk import Properties, Step, StepTypeEnum


class FunctionStep(Step):  # type: ignore[misc] # the SDK has no types
    """A Lambda step: its outputs are texts. The SDK's own class would deploy the function itself.

    It is not cached: SageMaker's documentation does not say what it compares of such a step.
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
        """The event that the function gets."""
        return self._arguments

    @property
    def properties(self) -> Properties:
        """All outputs; `output` returns one."""
        return Properties(step_name=self.name, step=self)

    def output(self, name: str) -> Properties:
        """What later steps can read of the function's result."""
        return Properties(step_name=self.name, step=self, path=f"OutputParameters['{name}']")

    def to_request(self) -> dict[str, Any]:
        """The step in the definition."""
        return {
            **super().to_request(),
            "FunctionArn": self._function_arn,
            "OutputParameters": [
                {"OutputName": name, "OutputType": "String"} for name in self._outputs
            ],
        }
