"""CloudFormation's two calls of a function's update."""

from typing import Any

import pytest

from embedded_aws.gateway import updates

Json = dict[str, Any]
_OLD: Json = {"Code": {"S3Key": "1"}, "Environment": {"A": "1"}, "Tags": [{"commit": "1"}]}


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        (
            {"Code": {"S3Key": "2"}, "Environment": {"A": "2"}},
            [("2", "1"), ("2", "2")],  # for a while new code has the old environment
        ),
        ({"Code": {"S3Key": "2"}, "Tags": [{"commit": "2"}]}, [("2", "1")]),
        ({"Environment": {"A": "2"}}, [("1", "2")]),
        ({}, [("1", "1")]),
    ],
)
def test_code_is_updated_before_the_configuration(
    monkeypatch: pytest.MonkeyPatch, changed: Json, seen: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr(updates, "_BETWEEN_SECONDS", 0)
    after: list[Json] = [_OLD]

    def update(old: Json, new: Json) -> tuple[str, Json]:
        assert old == after[-1]
        after.append(new)
        return "id", {}

    updates.in_two_calls(update, _OLD, {**_OLD, **changed})
    assert [(new["Code"]["S3Key"], new["Environment"]["A"]) for new in after[1:]] == seen
    assert after[-1] == {**_OLD, **changed}
