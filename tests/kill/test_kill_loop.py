"""The embedded AWS, killed at random moments: each time `up` repairs it to a working stage.

MOMENTS says how many there are, and SEED draws the same ones again.
"""

import os
import random
import statistics
from collections.abc import Iterator

import pytest

from tests.kill.loop import Loop
from tests.kill.moments import Moment, draw

_SEED = int(os.environ.get("SEED") or random.randrange(10_000))  # noqa: S311 - no secret
_MOMENTS = draw(int(os.environ.get("MOMENTS") or 50), _SEED)


@pytest.fixture(scope="module")
def seconds() -> Iterator[list[float]]:
    """How long each repair took; their figures come last."""
    print(f"\nseed {_SEED}\nmoment | what was going on | what was lost | time to repair")
    taken: list[float] = []
    yield taken
    print(f"{len(taken)} of {len(_MOMENTS)} repaired", end="")
    if taken:
        print(f", in {statistics.median(taken):.0f} s (median), {max(taken):.0f} s (longest)")


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    loop = Loop(tmp_path_factory.mktemp("kill"))
    try:
        loop.measure()
        yield loop
    finally:
        loop.close()


@pytest.mark.parametrize("moment", _MOMENTS, ids=str)
def test_a_killed_embedded_aws_is_repaired(
    moment: Moment, loop: Loop, seconds: list[float]
) -> None:
    try:
        repair = loop.run(moment)
    except BaseException as error:
        print(f"{moment} | NOT REPAIRED: {error}", flush=True)
        loop.close()  # the next moment finds a new one
        raise
    seconds.append(repair.seconds)
    lost = "; ".join(repair.lost.splitlines())
    doing = f"{repair.at} {repair.doing or 'nothing'}"
    print(f"{moment} | {doing} | {lost or '-'} | {repair.seconds:.0f} s", flush=True)
