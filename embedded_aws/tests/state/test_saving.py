"""When the embedded AWS saves its state."""

import itertools
from typing import Any

import pytest

from embedded_aws.state.saving import Saver


class _Snapshots:
    """Copies that change nothing."""

    def copy(self, *_: Any, **__: Any) -> None:
        return None


@pytest.mark.parametrize(("copying", "pause"), [(0.01, 1), (0.5, 4.5)])
def test_a_large_state_is_saved_in_a_tenth_of_the_servers_time(
    monkeypatch: pytest.MonkeyPatch, copying: float, pause: float
) -> None:
    saver = Saver()
    saver._snapshots = _Snapshots()  # type: ignore[assignment]  # all that is asked of them
    clock = itertools.count(step=copying)
    monkeypatch.setattr("embedded_aws.state.saving.time.monotonic", lambda: next(clock))
    saver.save()
    assert saver.pause_seconds() == pause
