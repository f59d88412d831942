"""What the release function's environment says, read once and checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The serving stack, the package group, and what a package must be made of."""

    stack_name: str
    parameter: str  # of the stack, which holds the package that it serves
    unguarded: str  # of the stack, which lets no alarm undo an update; a release empties it
    endpoint_name: str
    service_role_arn: str  # the role that CloudFormation updates the stack with
    package_arn_prefix: str  # of the group; a version follows
    image: str
    container_environment: Mapping[str, str]
    artifact_bucket: str
    max_attempts: int  # deliveries of a message before its release is given up

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables that the construct sets; raise ValueError for a bad one."""
        return cls(
            stack_name=_text(environment, "SERVING_STACK"),
            parameter=_text(environment, "PARAMETER"),
            unguarded=_text(environment, "UNGUARDED"),
            endpoint_name=_text(environment, "ENDPOINT"),
            service_role_arn=_text(environment, "SERVICE_ROLE"),
            package_arn_prefix=_prefix(environment, "PACKAGES"),
            image=_text(environment, "IMAGE"),
            container_environment=_object(environment, "CONTAINER_ENVIRONMENT"),
            artifact_bucket=_text(environment, "ARTIFACTS"),
            max_attempts=_count(environment, "ATTEMPTS"),
        )


def _text(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name, "")):
        raise ValueError(f"{name} must be set in the function's environment, got nothing")
    return value


def _prefix(environment: Mapping[str, str], name: str) -> str:
    value = _text(environment, name)
    if not value.endswith("/"):
        raise ValueError(f"{name} must end with '/', got {value!r}")
    return value


def _count(environment: Mapping[str, str], name: str) -> int:
    value = _text(environment, name)
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}")
    return int(value)


def _object(environment: Mapping[str, str], name: str) -> dict[str, str]:
    text = _text(environment, name)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} must be JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError(f"{name} must be a JSON object of strings, got {text}")
    return value
