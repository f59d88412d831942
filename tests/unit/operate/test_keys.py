"""`make key`: a client's key, or why there is none."""

from typing import Any

import pytest

from operate.api.keys import key_of
from operate.environment import Environment
from tests.unit.operate.doubles import Stacks, environment, refusal

_OUTPUTS = {"ApiUrl": "https://x", "ApiKeyIdDemo": "id-1", "ApiKeyIdBatch": "id-2"}


class _ApiGateway:
    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    def get_api_key(self, **asked: Any) -> dict[str, str]:
        if self._fault:
            raise self._fault
        assert asked["includeValue"] is True
        return {"value": f"value-of-{asked['apiKey']}"}


def _prod(outputs: dict[str, str] = _OUTPUTS, fault: Exception | None = None) -> Environment:
    return environment(cloudformation=Stacks({"Api": outputs}), apigateway=_ApiGateway(fault))


def test_the_key_is_the_one_that_the_stack_names() -> None:
    assert key_of(_prod(), "Batch") == "value-of-id-2"


def test_an_unknown_client_is_told_which_there_are() -> None:
    with pytest.raises(SystemExit, match=r"must be one of Batch, Demo .*, got 'Nobody'"):
        key_of(_prod(), "Nobody")


def test_an_api_without_keys_says_how_it_is_called() -> None:
    with pytest.raises(SystemExit, match="prod has no keys: its callers sign"):
        key_of(_prod({"ApiUrl": "https://x"}), "Demo")


def test_a_key_that_may_not_be_read_is_no_traceback() -> None:
    with pytest.raises(SystemExit, match=r"the key of Demo cannot be read: .*AccessDenied"):
        key_of(_prod(fault=refusal("AccessDenied")), "Demo")
