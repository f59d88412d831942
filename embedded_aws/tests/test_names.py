"""What a test is named after."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("large", ["x" * 200_000, b"x" * 200_000])
def test_a_program_starts_under_a_test_with_a_large_parameter(large: str | bytes) -> None:
    assert large
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0
