"""How long an example may be."""

import pytest

from allowed_values.input_length import longest_input


@pytest.mark.parametrize(
    ("given", "window", "length"), [(-1, 8192, 1024), (-1, 512, 512), (2048, 8192, 2048)]
)
def test_longest_example_is_bounded_by_the_window(given: int, window: int, length: int) -> None:
    assert longest_input(given, window) == length
