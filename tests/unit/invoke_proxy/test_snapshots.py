"""SnapStart: the hooks that the Web Adapter calls, and that a restored copy is its own."""

import random
import ssl

import msgspec
import pytest

from tests.unit.invoke_proxy.proxy_double import SETTINGS, FakeRuntime, client_of

_WITH_HOOKS = msgspec.structs.replace(
    SETTINGS,
    aws_lwa_snapstart_before_checkpoint_path="/snapstart/checkpoint",
    aws_lwa_snapstart_after_restore_path="/snapstart/restored",
)
_HOOKS = ("/snapstart/checkpoint", "/snapstart/restored")


@pytest.mark.parametrize("path", _HOOKS)
async def test_each_hook_drops_connections_and_credentials_and_logs_nothing(path: str) -> None:
    runtime, log = FakeRuntime(), list[str]()
    async with client_of(runtime, settings=_WITH_HOOKS, log=log) as client:
        answer = await client.post(path, b"")
    assert (answer.status, answer.body, runtime.renewed) == (204, b"", 1)
    assert log == []


async def test_copies_of_a_snapshot_draw_different_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[bytes] = []
    monkeypatch.setattr(ssl, "RAND_add", lambda entropy, _bits: added.append(entropy))
    async with client_of(FakeRuntime(), settings=_WITH_HOOKS) as client:
        snapshot, drawn = random.getstate(), set[float]()
        for _ in range(2):
            random.setstate(snapshot)
            await client.post("/snapstart/restored", b"")
            drawn.add(random.random())  # noqa: S311 - what is drawn is the test
    assert len(drawn) == len(set(added)) == 2
    assert all(len(entropy) == 32 for entropy in added)


@pytest.mark.parametrize("path", _HOOKS)
async def test_without_snapstart_there_are_no_hooks(path: str) -> None:
    async with client_of(FakeRuntime()) as client:
        assert (await client.post(path, b"")).status == 404
