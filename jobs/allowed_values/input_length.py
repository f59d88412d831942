"""The meaning of max_input_length, the same in every job."""

# JumpStart's meaning of -1: so many tokens, or the model's window if it is shorter.
_DEFAULT = 1024


def longest_input(max_input_length: int, window: int | None = None) -> int:
    """Return the longest record in tokens, for a model with this window where it is known."""
    wanted = max_input_length if max_input_length > 0 else _DEFAULT
    return wanted if window is None else min(wanted, window)
