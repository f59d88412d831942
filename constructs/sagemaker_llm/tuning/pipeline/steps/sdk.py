"""The SageMaker SDK's workflow classes, imported without credentials, network or configuration.

Its job classes are not used: they need a session, parse values that are still placeholders, and add
members that SageMaker refuses. A step's arguments are written as the request that it makes.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3

# The SDK creates clients while it is imported and never calls them. They get these settings instead
# of the user's, which may be invalid.
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@contextmanager
def _no_configuration() -> Iterator[None]:
    given = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    _replace(given, _SETTINGS)
    try:
        yield
    finally:
        _replace(_SETTINGS, given)


def _replace(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    for name in old:
        del os.environ[name]
    os.environ.update(new)


with _no_configuration(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK imports what it deprecates
    from sagemaker.core.workflow.conditions import (
        ConditionGreaterThan,
        ConditionGreaterThanOrEqualTo,
    )
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join, JsonGet
    from sagemaker.core.workflow.parameters import (
        Parameter,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from sagemaker.core.workflow.properties import Properties, PropertyFile
    from sagemaker.mlops.workflow.callback_step import CallbackStep
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from sagemaker.mlops.workflow.steps import (
        CacheConfig,
        ConfigurableRetryStep,
        Step,
        StepTypeEnum,
    )

boto3.DEFAULT_SESSION = None

__all__ = [
    "CacheConfig",
    "CallbackStep",
    "ConditionGreaterThan",
    "ConditionGreaterThanOrEqualTo",
    "ConditionStep",
    "ConfigurableRetryStep",
    "ExecutionVariables",
    "FailStep",
    "Join",
    "JsonGet",
    "Parameter",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "Properties",
    "PropertyFile",
    "SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy",
    "Step",
    "StepExceptionTypeEnum",
    "StepRetryPolicy",
    "StepTypeEnum",
]
