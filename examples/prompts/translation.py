"""Translation: the task goes into the system message."""

from _ask import ask

ask(
    "The train to Lyon leaves from platform four in ten minutes.",
    system="Translate what the user says into French. Answer with the translation only.",
    max_tokens=48,
)
