"""SnapStart: the hooks of a version with a snapshot are called before it serves."""

import http.server
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.gateway.snapshots import (
    CHECKPOINT,
    RESTORED,
    calls_hooks,
    failed_hook,
    has_snapshot,
)

_VARIABLES = {
    "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/checkpoint",
    "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/restored",
}


class _Function(http.server.BaseHTTPRequestHandler):
    called: list[str]
    failing = ""

    def do_POST(self) -> None:
        self.called.append(self.path)
        self.send_response(500 if self.path == self.failing else 204)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


@pytest.fixture(name="function")
def _function(tmp_path: Path) -> Iterator[tuple[Path, type[_Function]]]:
    handler = type("Handler", (_Function,), {"called": []})
    with socketserver.UnixStreamServer(str(tmp_path / "socket"), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "socket", handler
        server.shutdown()


@pytest.mark.parametrize(
    ("hooks", "called"),
    [(CHECKPOINT, ["/checkpoint"]), (RESTORED, ["/checkpoint", "/restored"])],
)
def test_the_hooks_of_a_moment_are_called_in_turn(
    function: tuple[Path, type[_Function]], hooks: tuple[str, ...], called: list[str]
) -> None:
    socket, handler = function
    assert failed_hook(_VARIABLES, socket, hooks) is None
    assert handler.called == called


def test_a_hook_that_fails_is_named_and_the_next_is_not_called(
    function: tuple[Path, type[_Function]],
) -> None:
    socket, handler = function
    handler.failing = "/checkpoint"
    assert failed_hook(_VARIABLES, socket, RESTORED) == "/checkpoint"
    assert handler.called == ["/checkpoint"]


def test_without_hooks_nothing_is_called(function: tuple[Path, type[_Function]]) -> None:
    socket, handler = function
    assert failed_hook({}, socket, RESTORED) is None
    assert handler.called == []


@pytest.mark.parametrize(
    ("config", "there"),
    [
        ({"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}}, True),
        ({"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}}, False),
        ({}, False),
    ],
)
def test_only_a_published_version_has_a_snapshot(config: dict[str, object], there: bool) -> None:  # noqa: FBT001 - a parameter
    assert has_snapshot(config) is there


_LAYER = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerArm64"


@pytest.mark.parametrize(("number", "called"), [(27, False), (28, False), (30, True), (31, True)])
def test_hooks_are_called_by_adapters_that_know_them(number: int, called: bool) -> None:  # noqa: FBT001 - a parameter
    layers = [{"Arn": "arn:aws:lambda:us-east-1:1:layer:other:99"}, {"Arn": f"{_LAYER}:{number}"}]
    assert calls_hooks({"SnapStart": {"OptimizationStatus": "On"}, "Layers": layers}) is called
    assert not calls_hooks({"SnapStart": {"OptimizationStatus": "Off"}, "Layers": layers})
