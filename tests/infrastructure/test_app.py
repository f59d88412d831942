"""The app from outside: what it is told wrongly, it says before anything is synthesized."""

from pathlib import Path

import pytest

from tests.infrastructure.assembly import synth


@pytest.mark.usefixtures("assembly")
def test_app_refuses_half_a_location_before_synth(tmp_path: Path) -> None:
    done = synth(tmp_path / "out", settings={"DEV_ACCOUNT": "123456789012"})
    assert done.returncode == 1
    assert "account and region must be given together or not at all" in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
