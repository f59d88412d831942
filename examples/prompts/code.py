"""Code: a small function, with what it must do said exactly."""

from _ask import ask

ask(
    "Write a Python function `median(numbers: list[float]) -> float` that returns the median and "
    "raises ValueError for an empty list. Answer with the code only.",
    max_tokens=192,
)
