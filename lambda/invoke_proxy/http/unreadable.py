"""The exceptions that msgspec raises for text that it cannot decode into a type."""

import msgspec

# The last one comes from deep nesting, even in a field that the type does not have.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

GARBAGE = "garbage"  # What the log calls such text.
