"""The moments at which the embedded AWS is killed, drawn by chance."""

import random
from dataclasses import dataclass

# What goes on, and how long it takes at most, beside a deploy.
OPERATIONS = {"deploy": 1.0, "release": 0.4, "finetune": 4.0}


@dataclass(frozen=True)
class Moment:
    """A share of the time that an operation takes; shortly before it, the disk may be full."""

    operation: str
    share: float
    full_disk: bool

    def seconds(self, deploy_seconds: float) -> float:
        """How long after the operation's begin it is, when a deploy takes so long."""
        return self.share * OPERATIONS[self.operation] * deploy_seconds

    def __str__(self) -> str:
        disk = ", full disk" if self.full_disk else ""
        return f"{self.operation} at {self.share:.0%}{disk}"


def draw(count: int, seed: int) -> list[Moment]:
    """`count` moments, the same for the same seed; the disk is full in the second of four."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    names = list(OPERATIONS)
    return [
        Moment(names[n % len(names)], chance.random(), full_disk=n % 4 == 1) for n in range(count)
    ]
