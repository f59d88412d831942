"""How each merge ended beside how it must: the table at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rehearsal.changes import Outcome

_ENVIRONMENTS = ("dev", "staging", "prod")
_TITLE_WIDTH, _WIDTH = 36, 14


@dataclass
class Result:
    """The jobs of one merge; `fault` is what is deployed afterwards and must not be."""

    title: str
    wanted: Mapping[str, Outcome]
    found: Mapping[str, Outcome]
    fault: str = ""

    @classmethod
    def of_thefts(cls, *, refused: bool) -> "Result":
        """Return the result of a thief's attempts."""
        return cls("a stolen role", {}, {}, "" if refused else "a thief was let in")

    @property
    def wrong(self) -> bool:
        """Whether it ended otherwise than it must."""
        return self.wanted != self.found or bool(self.fault)


def table(results: Sequence[Result]) -> str:
    """Return a line for each merge, with what is wrong under it."""
    lines = [_line("", _ENVIRONMENTS, "")]
    for result in results:
        cells = [str(result.found.get(name, "refused")) for name in _ENVIRONMENTS]
        lines.append(_line(result.title, cells, "WRONG" if result.wrong else "as it must"))
        if result.wanted != result.found:
            wanted = [str(result.wanted[name]) for name in _ENVIRONMENTS]
            lines.append(_line("  must end", wanted, ""))
        if result.fault:
            lines.append(f"  {result.fault}")
    return "\n".join(line.rstrip() for line in lines)


def _line(title: str, cells: Sequence[str], verdict: str) -> str:
    return f"{title:<{_TITLE_WIDTH}}{''.join(f'{c:<{_WIDTH}}' for c in cells)}{verdict}"
