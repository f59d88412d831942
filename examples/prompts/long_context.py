"""A question about a long text: one fact stands somewhere in the middle of many others."""

from _ask import ask

LOG = "\n".join(
    f"{hour:02d}:00 The harbour master noted wind from the west and {hour + 3} boats at anchor."
    for hour in range(24)
)
FACT = "13:30 The grey schooner Amalie came in with a broken mast."

first, second = LOG[: len(LOG) // 2], LOG[len(LOG) // 2 :]
head, _, rest = second.partition("\n")
text = f"{first}{head}\n{FACT}\n{rest}"

ask(f"This is a harbour's log.\n\n{text}\n\nWhich ship came in with a broken mast?", max_tokens=32)
