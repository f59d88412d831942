"""Process output into the embedded AWS's CloudWatch Logs, as Lambda and SageMaker do."""

import queue
import subprocess
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_TAIL_LINES = 20
_MAX_LINES_PER_CALL = 1000
_DRAIN_SECONDS = 30  # unless a child of the process keeps its output open, it takes a moment


class LogShipper:
    """Copies what a process prints to a log stream, and remembers its last lines.

    `logs` is the client that writes them; `on_line` sees each line. What the client's role may not
    write is lost, as on AWS.
    """

    def __init__(
        self,
        process: subprocess.Popen[str],
        group: str,
        stream_prefix: str,
        *,
        logs: Any,  # noqa: ANN401 - boto3 has no types
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._process = process
        self._logs = logs
        self._on_line = on_line
        self._group = group
        self._stream = f"{stream_prefix}{uuid.uuid4().hex}"
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._lines: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._ship, daemon=True).start()

    def last_line(self) -> str:
        """Return the last line that the ended process printed, or an empty string."""
        self._reader.join(_DRAIN_SECONDS)
        return self._tail[-1] if self._tail else ""

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - Popen(stdout=PIPE) sets it
        for line in self._process.stdout:
            if text := line.rstrip("\n"):
                self._tail.append(text)
                self._on_line(text)
                self._lines.put((int(time.time() * 1000), text))
        self._lines.put(None)

    def _ship(self) -> None:
        ended = has_stream = False
        while not ended:
            batch = [self._lines.get()]
            while not self._lines.empty() and len(batch) < _MAX_LINES_PER_CALL:
                batch.append(self._lines.get())
            ended = None in batch
            events = [{"timestamp": at, "message": text} for at, text in filter(None, batch)]
            # the embedded AWS may be going down, and its logs with it
            with suppress(BotoCoreError, ClientError):
                if events and not has_stream:
                    self._create_stream()
                    has_stream = True  # when a stack deletes its group, last words do not revive it
                if events:
                    self._logs.put_log_events(
                        logGroupName=self._group, logStreamName=self._stream, logEvents=events
                    )

    def _create_stream(self) -> None:
        stream = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            self._logs.create_log_stream(**stream)
        except self._logs.exceptions.ResourceNotFoundException:
            with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
                self._logs.create_log_group(logGroupName=self._group)
            self._logs.create_log_stream(**stream)
