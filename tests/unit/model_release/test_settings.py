"""The release function's environment, as its construct sets it and as it must not be."""

import pytest

from model_release.settings import Settings
from tests.unit.model_release.account import SETTINGS

_ENVIRONMENT = {
    "SERVING_STACK": SETTINGS.stack_name,
    "PARAMETER": SETTINGS.parameter,
    "UNGUARDED": SETTINGS.unguarded,
    "ENDPOINT": SETTINGS.endpoint_name,
    "SERVICE_ROLE": SETTINGS.service_role_arn,
    "PACKAGES": SETTINGS.package_arn_prefix,
    "IMAGE": SETTINGS.image,
    "CONTAINER_ENVIRONMENT": '{"HF_MODEL_ID": "/opt/ml/model", "SM_NUM_GPUS": "1"}',
    "ARTIFACTS": SETTINGS.artifact_bucket,
    "ATTEMPTS": "3",
}


def test_settings_are_read_from_the_environment() -> None:
    assert Settings.from_environment({**_ENVIRONMENT, "PATH": "/bin"}) == SETTINGS


@pytest.mark.parametrize("name", _ENVIRONMENT)
@pytest.mark.parametrize("value", [None, ""])
def test_setting_that_is_missing_or_empty_is_refused_by_its_name(
    name: str, value: str | None
) -> None:
    environment = {k: v for k, v in _ENVIRONMENT.items() if k != name}
    if value is not None:
        environment[name] = value
    with pytest.raises(ValueError, match=f"{name} must be set in the function's environment"):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PACKAGES", "arn:aws:sagemaker:eu-west-1:1:model-package/x", "must end with '/', got"),
        ("ATTEMPTS", "0", "must be a positive whole number, got '0'"),
        ("ATTEMPTS", "-1", "must be a positive whole number, got '-1'"),
        ("ATTEMPTS", "many", "must be a positive whole number, got 'many'"),
        ("CONTAINER_ENVIRONMENT", "{", "must be JSON"),
        ("CONTAINER_ENVIRONMENT", "[]", "must be a JSON object of strings, got"),
        ("CONTAINER_ENVIRONMENT", '{"SM_NUM_GPUS": 1}', "must be a JSON object of strings, got"),
    ],
)
def test_setting_of_another_form_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} {said}"):
        Settings.from_environment({**_ENVIRONMENT, name: value})
