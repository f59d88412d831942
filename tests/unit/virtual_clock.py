"""An event loop whose clock jumps to the next timer: hours take a moment, and none is late."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
Given = TypeVarTuple("Given")


class _JumpingSelector(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now

    def run_in_executor(
        self, executor: object, func: Callable[[*Given], Result], *args: *Given
    ) -> asyncio.Future[Result]:
        """Do it here and now: a thread has another clock."""
        del executor
        done: asyncio.Future[Result] = self.create_future()
        done.set_result(func(*args))
        return done


def spend(seconds: float) -> None:
    """Let the running loop do nothing else for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _VirtualLoop)
    loop.jumping.now += seconds


def now() -> float:
    """Return the running loop's time, which is what `time.time` and its like should answer."""
    return asyncio.get_running_loop().time()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)


def in_virtual_time(
    test: Callable[Arguments, Coroutine[Any, Any, None]],
) -> Callable[Arguments, None]:
    """Let a test pass in virtual time."""

    @functools.wraps(test)
    def run_test(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        run(test(*args, **kwargs))

    return run_test
