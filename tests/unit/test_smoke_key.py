"""The key of the stage under test: what a failed test reports of it."""

import httpx
import pytest

from tests.smoke.conftest import Key, Stage


def test_report_of_a_failed_test_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []

    def request(*_: object, headers: dict[str, str], **__: object) -> httpx.Response:
        sent.append(headers["Authorization"])
        return httpx.Response(500)

    monkeypatch.setattr(httpx, "request", request)
    stage = Stage("https://stage/api", Key("very-secret"))
    with pytest.raises(AssertionError) as failed:
        assert stage.ask("GET", "/v1/models", headers={**stage.key}).status_code == 200
    assert "500 == 200" in str(failed.value)
    assert "very-secret" not in str(failed.value)
    assert sent == ["Bearer very-secret"]
