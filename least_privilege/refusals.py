"""What the embedded AWS refused for want of a permission, as its log has it."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

_LINE = re.compile(r"denied: (\S+) may not (\S+) on (\S+)$")


@dataclass(frozen=True)
class Refusal:
    """One call that IAM did not let through."""

    principal: str
    action: str
    resource: str

    def is_about(self, principal: str, actions: list[str]) -> bool:
        """Return whether it is one of these actions, by this role or, without one, by anybody."""
        asked = self.action.lower()
        return principal in self.principal + self.resource and any(
            fnmatchcase(asked, action.lower()) for action in actions
        )


class Refusals:
    """The refusals since the last look."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size

    def skip(self) -> None:
        """Forget what was refused until now."""
        self._offset = self._log.stat().st_size

    def seen(self) -> list[Refusal]:
        """Return what was refused since `skip`."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            lines = file.read().decode(errors="replace").splitlines()
        return [Refusal(*match.groups()) for line in lines if (match := _LINE.search(line))]
