"""One statement of a stack, held against what there is."""

from typing import NamedTuple


class Check(NamedTuple):
    """One statement of the stack, and what the endpoint has instead of it or as it says."""

    subject: str
    said: object
    found: object

    @property
    def holds(self) -> bool:
        """Return whether both are the same."""
        return self.said == self.found
