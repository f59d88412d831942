"""What happened when: printed as it happens, kept for the table and the picture."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

_NAME_WIDTH, _LANE_WIDTH = 16, 8


@dataclass
class Step:
    """One step of a job, in seconds since the rehearsal began."""

    change: str
    lane: str
    name: str
    began: float
    ended: float = 0.0
    failed: bool = False
    note: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Timeline:
    """The steps in the order in which they began."""

    def __init__(
        self,
        say: Callable[[str], None] = lambda line: print(line, flush=True),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps: list[Step] = []
        self._say, self._clock, self._began = say, clock, clock()

    def now(self) -> float:
        """Return the seconds since the rehearsal began."""
        return self._clock() - self._began

    def head(self, title: str) -> None:
        """Print what begins."""
        self._say(f"\n{_moment(self.now())}  {title}")

    @contextmanager
    def step(self, change: str, lane: str, name: str) -> Iterator[Step]:
        """Print a step when it has ended; one that raises has failed."""
        step = Step(change, lane, name, self.now())
        self.steps.append(step)
        try:
            yield step
        except BaseException:
            step.failed = True
            raise
        finally:
            step.ended = self.now()
            self._say(_line(step))

    def going_on(self, step: Step, last_line: str) -> None:
        """Print that a long step goes on, with what its verb said last."""
        taken = f"{self.now() - step.began:.0f} s"
        self._say(f"{_moment(self.now())}    {_names(step)} ... {taken}: {last_line[:90]}")

    def as_json(self) -> list[dict[str, Any]]:
        """Return the steps, for the picture."""
        return [asdict(step) for step in self.steps]


def _line(step: Step) -> str:
    result = "FAILED" if step.failed else "ok"
    note = f"  {step.note}" if step.note else ""
    return f"{_moment(step.ended)}    {_names(step)} {result:<6} {step.seconds:5.1f} s{note}"


def _names(step: Step) -> str:
    return f"{step.lane:<{_LANE_WIDTH}} {step.name:<{_NAME_WIDTH}}"


def _moment(seconds: float) -> str:
    return f"{int(seconds) // 60:2}:{int(seconds) % 60:02}"
