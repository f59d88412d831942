"""`make key`: a client's key, or why there is none."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from operate import keys

_OUTPUTS = {"ApiUrl": "https://x", "ApiKeyIdDemo": "id-1", "ApiKeyIdBatch": "id-2"}


class _ApiGateway:
    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    def get_api_key(self, **asked: Any) -> dict[str, str]:
        if self._fault:
            raise self._fault
        assert asked["includeValue"] is True
        return {"value": f"value-of-{asked['apiKey']}"}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(keys, "outputs", lambda *_: _OUTPUTS)
    monkeypatch.setattr(keys, "client", lambda _: _ApiGateway())
    return monkeypatch


@pytest.mark.usefixtures("deployed")
def test_the_key_is_the_one_that_the_stack_names() -> None:
    assert keys.key_of("dev", "Batch") == "value-of-id-2"


@pytest.mark.usefixtures("deployed")
def test_an_unknown_client_is_told_which_there_are() -> None:
    with pytest.raises(SystemExit, match=r"must be one of Batch, Demo .*, got 'Nobody'"):
        keys.key_of("dev", "Nobody")


def test_an_api_without_keys_says_how_it_is_called(deployed: pytest.MonkeyPatch) -> None:
    deployed.setattr(keys, "outputs", lambda *_: {"ApiUrl": "https://x"})
    with pytest.raises(SystemExit, match="prod has no keys: its callers sign"):
        keys.key_of("prod", "Demo")


def test_a_key_that_may_not_be_read_is_no_traceback(deployed: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetApiKey")
    deployed.setattr(keys, "client", lambda _: _ApiGateway(denied))
    with pytest.raises(SystemExit, match=r"the key of Demo cannot be read: .*AccessDenied"):
        keys.key_of("dev", "Demo")
