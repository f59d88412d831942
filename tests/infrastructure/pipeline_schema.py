"""The form of a pipeline's definition, as SageMaker's developer guide describes it.

Written from that description. Arguments of jobs and registrations are those of an API call, which
botocore's models describe: here they are any object.
"""

from typing import Any

Schema = dict[str, Any]

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_TEXT = {"type": "string"}
_NAMES = {"type": "array", "items": _TEXT}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _step(kind: str, required: dict[str, Any], optional: dict[str, Any] | None = None) -> Schema:
    common = {"DisplayName": _TEXT, "Description": _TEXT, "DependsOn": _NAMES}
    return _object(
        {"Name": _NAME, "Type": {"const": kind}, **required}, {**common, **(optional or {})}
    )


def _parameter(kind: str, value: str) -> Schema:
    typed = {"type": value}
    enum = {"EnumValues": _list(typed)} if kind == "String" else {}
    return _object(
        {"Name": _NAME, "Type": {"const": kind}},
        {"DefaultValue": typed, "Description": _TEXT, **enum},
    )


_ARGUMENTS = {"Arguments": {"type": "object"}}
_JOB = {
    "CacheConfig": _object({"Enabled": {"type": "boolean"}}, {"ExpireAfter": _TEXT}),
    "RetryPolicies": _list(_ref("RetryPolicy")),
    "PropertyFiles": _list(_ref("PropertyFile")),
}
_COMPARED = ("Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
_FUNCTIONS = {
    "Get": _object({"Get": {"type": "string", "pattern": "^(Parameters|Steps|Execution)[.]."}}),
    "Join": _object(
        {"Std:Join": _object({"On": _TEXT, "Values": {"type": "array", "minItems": 1}})}
    ),
    "JsonGet": _object({"Std:JsonGet": _object({"PropertyFile": _ref("Get"), "Path": _TEXT})}),
}

SCHEMA: Schema = {
    **_object(
        {"Version": {"const": "2020-12-01"}, "Steps": _list(_ref("TopStep"))},
        {
            "Metadata": {"type": "object"},
            "Parameters": _list(
                {"oneOf": [_ref(f"{kind}Parameter") for kind in ("Text", "Whole", "Real")]}
            ),
            "PipelineExperimentConfig": {"type": "object"},
        },
    ),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        **_FUNCTIONS,
        "Value": {"anyOf": [{"type": ["string", "number", "boolean"]}, *map(_ref, _FUNCTIONS)]},
        "TextParameter": _parameter("String", "string"),
        "WholeParameter": _parameter("Integer", "integer"),
        "RealParameter": _parameter("Float", "number"),
        "RetryPolicy": _object(
            {"ExceptionType": _list({"type": "string", "pattern": "^(Step|SageMaker)[.][A-Z_]+$"})},
            {
                "IntervalSeconds": {"type": "integer", "minimum": 1},
                "BackoffRate": {"type": "number", "minimum": 1},
                "MaxAttempts": {"type": "integer", "minimum": 1, "maximum": 20},
                "ExpireAfterMin": {"type": "integer", "minimum": 1, "maximum": 14_400},
            },
        ),
        "PropertyFile": _object(
            {"PropertyFileName": _TEXT, "OutputName": _TEXT, "FilePath": _TEXT}
        ),
        "Output": _object(
            {
                "OutputName": _TEXT,
                "OutputType": {"enum": ["String", "Integer", "Boolean", "Float"]},
            }
        ),
        "Condition": _object(
            {
                "Type": {"enum": list(_COMPARED)},
                "LeftValue": _ref("Value"),
                "RightValue": _ref("Value"),
            }
        ),
        # No condition: SageMaker takes none inside another.
        "Step": {
            "oneOf": [
                _step("Processing", _ARGUMENTS, _JOB),
                _step("Training", _ARGUMENTS, _JOB),
                _step("RegisterModel", _ARGUMENTS, {"RetryPolicies": _JOB["RetryPolicies"]}),
                _step(
                    "Callback",
                    {"SqsQueueUrl": _TEXT, "Arguments": {"additionalProperties": _ref("Value")}},
                    {"OutputParameters": {"type": "array"}},
                ),
                _step(
                    "Lambda",
                    {"FunctionArn": _TEXT, **_ARGUMENTS, "OutputParameters": _list(_ref("Output"))},
                ),
                _step("Fail", {"Arguments": _object({"ErrorMessage": _ref("Value")})}),
            ]
        },
        "TopStep": {
            "oneOf": [
                _ref("Step"),
                _step(
                    "Condition",
                    {
                        "Arguments": _object(
                            {"Conditions": _list(_ref("Condition"))},
                            {"IfSteps": _list(_ref("Step")), "ElseSteps": _list(_ref("Step"))},
                        )
                    },
                ),
            ]
        },
    },
}
