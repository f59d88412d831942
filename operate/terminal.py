"""The terminal, whatever it sends and whether or not it is there."""

import os
import sys
from io import TextIOWrapper


def open_streams() -> None:
    """Replace closed standard streams, and let no character end a verb that reads or prints it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for the process
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)


def end_output() -> None:
    """Print what is still to be printed, unless nobody reads it or it cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def ask(prompt: str) -> str:
    """Return what the person answers, empty where nobody can."""
    try:
        return input(prompt)
    except EOFError:
        print()
        return ""


def is_text(words: str) -> bool:
    """Return whether it is text: bytes of another encoding stand in it as half characters."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True
