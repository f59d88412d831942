from typing import get_args

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from invoke_proxy.prompt_formats import FORMATS
from invoke_proxy.settings import ControlTokenPolicy, Settings
from sagemaker_llm import ControlTokens
from sagemaker_llm.models.prompts import PromptFormat

ENVIRONMENT = {
    "ENDPOINT_NAME": "Endpoint-1",
    "MODEL_ID": "mistral-7b",
    "PROMPT_FORMAT": "none",
    "TOKENIZER": "mistral-v1",
    "MAX_INPUT_LENGTH": "8191",
    "MAX_TOTAL_TOKENS": "8192",
    "PATH": "/usr/bin",
}


def test_settings_hold_the_environment() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings(
        endpoint_name="Endpoint-1",
        model_id="mistral-7b",
        prompt_format="none",
        tokenizer="mistral-v1",
        max_input_length=8191,
        max_total_tokens=8192,
    )


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT if name != "PATH"])
def test_settings_name_the_variable_when_it_is_missing(name: str) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(ValueError, match=name):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT_NAME", ""),
        ("SERVER", "sglang"),
        ("CONTROL_TOKENS", "drop"),
        ("PROMPT_FORMAT", "alpaca"),
        ("TOKENIZER", "tekken"),
        ("MAX_INPUT_LENGTH", "many"),
        ("MAX_INPUT_LENGTH", "0"),
        ("MAX_TOTAL_TOKENS", "-1"),
        ("MAX_CONCURRENT_REQUESTS", "0"),
        ("CLIENT_TIMEOUT_SECONDS", "481"),
        ("RETRY_AFTER_SECONDS", "0"),
        ("WORK", "much"),
        ("WORK", '{"per_word": 0.4}'),
        ("INFERENCE_COMPONENTS", "support"),
        ("INFERENCE_COMPONENTS", '["support"]'),
        ("INFERENCE_COMPONENTS", '{"mistral-7b": ""}'),
        ("INFERENCE_COMPONENTS", '{"support": "support-endpoint"}'),
    ],
)
def test_settings_name_the_variable_when_it_is_wrong(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.from_environment({**ENVIRONMENT, name: value})


def test_settings_are_refused_when_the_limits_contradict_each_other() -> None:
    with pytest.raises(ValueError, match=r"MAX_INPUT_LENGTH must be below .*8191.*got 8191"):
        Settings.from_environment({**ENVIRONMENT, "MAX_TOTAL_TOKENS": "8191"})


def test_what_becomes_of_control_tokens_is_configured_alike_in_proxy_and_construct() -> None:
    assert get_args(ControlTokenPolicy) == tuple(ControlTokens)
    settings = Settings.from_environment({**ENVIRONMENT, "CONTROL_TOKENS": ControlTokens.REFUSE})
    assert settings.control_tokens == "refuse"


def test_every_prompt_format_of_the_library_is_written() -> None:
    assert set(PromptFormat) == {"none", *FORMATS}
