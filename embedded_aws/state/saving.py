"""When the state is saved: soon after a change, and whenever a stack has settled."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from embedded_aws.core.emulator import Json
from embedded_aws.host import health
from embedded_aws.state import losses
from embedded_aws.state.records import collect, on_persistence, restore_from
from embedded_aws.state.snapshots import Snapshot, Snapshots, UnstableError

_SECONDS = 1  # between a change and its snapshot, at least
_REST = 9  # times as long as the last copy held up the server
_RETRY_SECONDS = 5  # after a failure
_TRIES = 5  # at a moment in which no thread changes anything
# Requests that change nothing worth a snapshot of its own: what is asked of the deployed API and
# its model, what is looked up, what is logged.
_DATA_PLANES = ("/_aws/execute-api/", "/endpoints/", "/_ministack/")
_LOOKS_UP = ("Describe", "List", "Get", "PutLogEvents", "CreateLogStream")
_log = logging.getLogger(__name__)


class Saver:
    """Keeps the state of this server in snapshots."""

    def __init__(self) -> None:
        self._snapshots: Snapshots | None = None
        self._changed = False
        self._failure = ""
        self._saved_at: float | None = None
        self._copied_seconds = 0.0

    def install(
        self, snapshots: Snapshots, snapshot: Snapshot | None, set_aside: list[str]
    ) -> None:
        """Let ministack read what `snapshots` restored, and save into new ones."""
        restore_from(snapshot.services if snapshot else {})
        self._saved_at = snapshot.saved_at if snapshot else None

        def restored() -> None:
            losses.report(snapshot, set_aside)
            self._snapshots = snapshots  # before that the services hold nothing
            self._changed = True

        on_persistence(restored=restored, stopping=lambda: self.save(clean=True))

    def note_change(self) -> None:
        """Save the state soon."""
        self._changed = True

    def save(self, *, clean: bool = False) -> None:
        """Save the state now; a failure is logged, and the snapshot before stays."""
        if write := self._copy(clean=clean):
            self._write(write)

    async def keep_saving(self) -> None:
        """Save after each change, as long as the server runs."""
        while True:
            await asyncio.sleep(self.pause_seconds())
            if self._changed:
                self._changed = False
                if write := self._copy(clean=False):
                    await asyncio.to_thread(self._write, write)
                    self._changed = True  # what happens by itself may not have ended

    def pause_seconds(self) -> float:
        """Return how long the next snapshot waits, so that a large state leaves time to serve."""
        return max(_RETRY_SECONDS if self._failure else _SECONDS, _REST * self._copied_seconds)

    def _copy(self, *, clean: bool) -> Callable[[], None] | None:
        if self._snapshots is None:
            return None
        began = time.monotonic()
        try:
            for _ in range(_TRIES):
                # RuntimeError: a thread changed the size of a record as it was copied
                with contextlib.suppress(UnstableError, RuntimeError):
                    return self._snapshots.copy(collect, time.time(), clean=clean)
            raise UnstableError("it keeps changing")
        except Exception as error:  # noqa: BLE001 - the services go on, whatever it is
            self._fail(error)
        finally:
            self._copied_seconds = time.monotonic() - began
        return None

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001 - likewise
            self._fail(error)
            return
        self._saved_at = time.time()
        if self._failure:
            _log.warning("the state is saved again")
        self._failure = ""

    def _fail(self, error: Exception) -> None:
        self._changed = True
        kept = losses.at(self._saved_at) if self._saved_at else "no time"
        failure = f"the state cannot be saved, the disk keeps that of {kept}: {error}"
        if not self._failure:
            _log.error(failure)
        self._failure = failure

    def watch(self, application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Serve `application`, save what its requests change, and tell who asks for its health."""

        async def serve(scope: Json, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
            async def send_with_failure(message: Json) -> None:
                if message["type"] == "http.response.start" and self._failure:
                    header = (health.FAILURE_HEADER.encode(), quote(self._failure).encode())
                    message = {**message, "headers": [*message["headers"], header]}
                await send(message)

            asks_for_health = scope["type"] == "http" and scope["path"] == health.PATH
            try:
                await application(scope, receive, send_with_failure if asks_for_health else send)
            finally:
                if scope["type"] == "http" and _may_change(scope):
                    self.note_change()

        return serve


def _may_change(scope: Json) -> bool:
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"].startswith(_DATA_PLANES):
        return False
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
    return not target.partition(".")[2].startswith(_LOOKS_UP)


saver = Saver()
