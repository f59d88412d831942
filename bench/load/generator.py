"""Sends one cell's requests, and records each of them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.load.arrivals import Load, Users
from bench.load.requests import Request
from bench.load.targets import RequestFailedError, Target, Usage

_CHECK_SECONDS = 0.05
RAMP_SECONDS = 1.0  # Over which users begin, so that they do not march in step.
_FAILURES_AT_LEAST = 5  # Before their share is judged.


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a cell has been measured long enough, and when it is given up."""

    warm_up_seconds: float
    min_seconds: float
    min_requests: int
    max_seconds: float
    request_timeout_seconds: float
    max_failure_share: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is sent: to whom, which prompts, how many tokens are asked for, how requests arrive."""

    target: Target
    prompts: Iterator[str]
    tokens: int
    load: Load
    limits: Limits
    disconnect_share: float
    seed: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A cell while it is measured."""

    phase: str
    seconds: float
    answered: int
    failed: int
    in_flight: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Every request of a cell, and the steady window that its figures are taken from."""

    requests: tuple[Request, ...]
    window: tuple[float, float]
    stopped: str | None  # Why the cell was given up.
    client_cpu_share: float  # Of one core, within the window.
    client_lags: tuple[float, ...]  # Seconds by which the client's own timer was late.


async def measure(cell: Cell, watch: Callable[[Snapshot], None]) -> Recorded:
    """Send the cell's load until it has been measured long enough; `watch` sees it go on.

    The load goes on for the whole window. What is in flight at its end is still recorded, so that
    the next cell finds an idle server; figures are taken from what ended within the window.
    """
    run = _Run(cell)
    async with asyncio.TaskGroup() as tasks:
        run.start(tasks)
        await run.wait("warming up", run.is_warm, watch)
        begun, cpu = run.now, time.process_time()
        run.open_window()
        await run.wait("measuring", run.is_measured, watch)
        ended, cpu = run.now, time.process_time() - cpu
        stopped = run.failure()
        run.close()
    return Recorded(
        requests=tuple(run.requests),
        window=(begun, ended),
        stopped=stopped,
        client_cpu_share=cpu / (ended - begun) if ended > begun else 0.0,
        client_lags=tuple(run.lags),
    )


class _DisconnectError(Exception):
    """The client reads no more of this answer."""


@dataclass
class _Run:
    cell: Cell
    requests: list[Request] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    answered_users: set[int] = field(default_factory=set)
    in_flight: int = 0
    exhausted: bool = False  # A trace has an end.
    closing: bool = False
    asking: set[asyncio.Task[None]] = field(default_factory=set)
    background: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begun = self.window = self.now
        self.before_window = 0
        self.draw = random.Random(self.cell.seed)  # noqa: S311 - repeatable, not secret

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Start the users, or what sends each request when it is due."""
        load = self.cell.load
        if isinstance(load, Users):
            for number in range(load.number):
                user = self._user(number, RAMP_SECONDS * number / load.number)
                self._track(tasks.create_task(user))
        else:
            arrivals = load.times(self.cell.seed)
            self.background.append(tasks.create_task(self._arrivals(arrivals, tasks)))
        self.background.append(tasks.create_task(self._notice_lags()))

    def close(self) -> None:
        """Let nobody ask again; of a cell that is given up, drop what is in flight too."""
        self.closing = True
        for task in [*self.background, *(self.asking if self.failure() else ())]:
            task.cancel()

    def _track(self, task: asyncio.Task[None]) -> None:
        self.asking.add(task)
        task.add_done_callback(self.asking.discard)

    async def _user(self, number: int, starts_after: float) -> None:
        await asyncio.sleep(starts_after)
        while not self.closing:
            prompt = next(self.cell.prompts)
            failed = self.failures.total()
            await self._ask(prompt, self.now)
            self.answered_users.add(number)
            if self.failures.total() > failed:
                # One that fails at once would let nobody else run.
                await asyncio.sleep(_CHECK_SECONDS)

    async def _arrivals(self, times: Iterator[float], tasks: asyncio.TaskGroup) -> None:
        for seconds in times:
            due, prompt = self.begun + seconds, next(self.cell.prompts)
            await asyncio.sleep(due - self.now)
            self._track(tasks.create_task(self._ask(prompt, due)))
            await asyncio.sleep(0)  # It is sent before the next prompt is written.
        self.exhausted = True

    async def _ask(self, prompt: str, due: float) -> None:
        patience = self._texts_until_disconnect()
        arrivals: list[float] = []

        def on_text() -> None:
            arrivals.append(self.now)
            if len(arrivals) == patience:
                raise _DisconnectError

        sent, failure, disconnected, usage = self.now, None, False, Usage(None, None)
        self.in_flight += 1
        try:
            async with asyncio.timeout(self.cell.limits.request_timeout_seconds):
                usage = await self.cell.target.answer(prompt, self.cell.tokens, on_text)
        except _DisconnectError:
            disconnected = True
        except TimeoutError:
            failure = "timeout"
        except RequestFailedError as error:
            failure = str(error)
        finally:
            self.in_flight -= 1
        if failure is not None:
            self.failures[failure] += 1
        self.requests.append(
            Request(
                due=due,
                sent=sent,
                arrivals=tuple(arrivals),
                ended=self.now,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                failure=failure,
                disconnected=disconnected,
            )
        )

    def _texts_until_disconnect(self) -> int | None:
        if self.draw.random() >= self.cell.disconnect_share:
            return None
        return self.draw.randint(1, max(1, self.cell.tokens - 1))

    async def _notice_lags(self) -> None:
        """Note how late a timer is: a busy client measures itself."""
        while True:
            expected = self.now + _CHECK_SECONDS
            await asyncio.sleep(_CHECK_SECONDS)
            self.lags.append(self.now - expected)

    async def wait(
        self, phase: str, reached: Callable[[], bool], watch: Callable[[Snapshot], None]
    ) -> None:
        """Wait until a condition holds, or there is no point in going on."""
        while not reached() and self.failure() is None:
            await asyncio.sleep(_CHECK_SECONDS)
            failed = self.failures.total()
            watch(
                Snapshot(
                    phase=phase,
                    seconds=self.now - self.begun,
                    answered=len(self.requests) - failed,
                    failed=failed,
                    in_flight=self.in_flight,
                )
            )

    def is_warm(self) -> bool:
        """Whether the load is what it will be: every user, or the first arrival, was answered."""
        load = self.cell.load
        answered = len(self.answered_users) if isinstance(load, Users) else len(self.requests)
        needed = load.number if isinstance(load, Users) else 1
        return answered >= needed and self.now - self.begun >= self.cell.limits.warm_up_seconds

    def open_window(self) -> None:
        """Begin what the figures are taken from."""
        self.window = self.now
        self.before_window = len(self.requests)
        self.lags.clear()

    def is_measured(self) -> bool:
        """Whether the window has its seconds and its requests, or lasted as long as it may."""
        if self.exhausted and not self.in_flight:
            return True
        limits, seconds = self.cell.limits, self.now - self.window
        ended = len(self.requests) - self.before_window
        enough = seconds >= limits.min_seconds and ended >= limits.min_requests
        return enough or seconds >= limits.max_seconds

    def failure(self) -> str | None:
        """Return the commonest kind of failure when there are too many."""
        failed = self.failures.total()
        if failed < _FAILURES_AT_LEAST:
            return None
        if failed <= self.cell.limits.max_failure_share * len(self.requests):
            return None
        return self.failures.most_common(1)[0][0]
