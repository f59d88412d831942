"""Which findings of the scanners an acknowledgement answers."""

import pytest

from tests.scan.findings import Finding, judge

_FOUND = Finding("Dev/Api/Proxy/Function/Resource", "Checkov::CKV_AWS_117")


@pytest.mark.parametrize("path", ["Dev/Api/Proxy/Function/Resource", "Dev/Api/Proxy", "Dev"])
def test_finding_is_explained_on_its_resource_or_around_it(path: str) -> None:
    assert judge([_FOUND], {Finding(path, _FOUND.rule): "why"}) == ([], [])


@pytest.mark.parametrize(
    "elsewhere",
    [
        Finding("Dev/Api/Pro", _FOUND.rule),
        Finding("Prod/Api/Proxy/Function/Resource", _FOUND.rule),
        Finding(f"{_FOUND.path}/Below", _FOUND.rule),
        Finding(_FOUND.path, "Checkov::CKV_AWS_11"),
    ],
)
def test_finding_is_not_explained_from_elsewhere(elsewhere: Finding) -> None:
    assert judge([_FOUND], {elsewhere: "why"}) == ([_FOUND], [elsewhere])
