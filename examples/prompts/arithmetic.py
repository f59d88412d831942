"""Arithmetic: step by step, so that each step can be checked."""

from _ask import ask

ask(
    "A baker sells 12 loaves at 3 dollars each and 30 rolls at 50 cents each. "
    "How much money is that? Work step by step, and end with the sum.",
    max_tokens=160,
)
