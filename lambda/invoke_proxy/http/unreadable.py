"""What msgspec raises for a text that it cannot read into a type, however it is broken."""

import msgspec

# The last is what deep nesting ends in, in a field that the type does not even have.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
