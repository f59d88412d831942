"""The functions and conditions of a pipeline's definition, evaluated while it runs."""

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.pipelines.definition import function
from embedded_aws.sagemaker.s3_folders import TransferError, location

_PATH_PART = re.compile(r"\.?([A-Za-z0-9_-]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(\d+)\]")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class ExpressionError(Exception):
    """A function that has no value, or a condition that cannot be decided."""


@dataclass(frozen=True)
class Scope:
    """What expressions see: the execution, its parameters and the properties of its steps."""

    parameters: Json
    variables: Callable[[str], str]
    properties: Callable[[str], Json]  # of a step that has ended
    property_file: Callable[[str, str], str]  # of a step: the S3 URI where it lies
    s3: Callable[[], Any]

    def value(self, expression: Any) -> Any:  # noqa: ANN401 - JSON
        """Return an expression with every function in it replaced by its value."""
        match function(expression):
            case "Get":
                return self._get(expression["Get"])
            case "Std:Join":
                join = expression["Std:Join"]
                return join.get("On", "").join(_text(self.value(v)) for v in join["Values"])
            case "Std:JsonGet":
                return self._json(expression["Std:JsonGet"])
        if isinstance(expression, dict):
            return {name: self.value(member) for name, member in expression.items()}
        if isinstance(expression, list):
            return [self.value(member) for member in expression]
        return expression

    def holds(self, condition: Json) -> bool:
        """Return whether a condition is true; raises ExpressionError when it cannot be decided."""
        kind = condition["Type"]
        if kind == "Not":
            return not self.holds(condition["Condition"])
        if kind == "Or":
            return any(self.holds(part) for part in condition["Conditions"])
        if kind == "In":
            return self.value(condition["QueryValue"]) in self.value(condition["Values"])
        left, right = self.value(condition["LeftValue"]), self.value(condition["RightValue"])
        try:
            return _COMPARISONS[kind](left, right)
        except TypeError as error:
            raise ExpressionError(f"{kind}: cannot compare {left!r} with {right!r}") from error

    def _get(self, reference: str) -> Any:  # noqa: ANN401 - JSON
        root, _, rest = reference.partition(".")
        if root == "Parameters":
            return self.parameters[rest]
        if root == "Execution":
            return self.variables(rest)
        step, _, path = rest.partition(".")
        return select(self.properties(step), path)

    def _json(self, arguments: Json) -> Any:  # noqa: ANN401 - JSON
        if "PropertyFile" in arguments:
            _, step, _, name = arguments["PropertyFile"]["Get"].split(".", 3)
            uri = self.property_file(step, name)
        else:
            uri = self.value(arguments["S3Uri"])
        try:
            bucket, key = location(uri)
            body = self.s3().get_object(Bucket=bucket, Key=key)["Body"].read()
            return select(json.loads(body), arguments["Path"])
        except (ClientError, TransferError, ValueError, RecursionError) as error:
            raise ExpressionError(f"JsonGet of {uri}: {error}") from error


def select(value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value at e.g. `Outputs['train'].S3Output.S3Uri` or `$.metrics.loss.value`."""
    position = 1 if path.startswith("$") else 0
    found = value
    while position < len(path):
        part = _PATH_PART.match(path, position)
        if part is None:
            raise ExpressionError(f"path {path!r} is not understood from {path[position:]!r} on")
        *names, index = part.groups()
        found = _member(found, int(index) if index else next(filter(None, names)), path)
        position = part.end()
    return found


def _member(value: Any, key: str | int, path: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list) and isinstance(key, str):
        # lists of SageMaker's properties are read like maps, by the name that each item has
        for item in value:
            if key in {v for k, v in item.items() if k.endswith("Name")}:
                return item
    try:
        return value[key]
    except (KeyError, IndexError, TypeError) as error:
        raise ExpressionError(f"nothing lies at {path!r}") from error


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    return value if isinstance(value, str) else json.dumps(value)
