"""A disk that is full, as one process sees it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SMALL = 16_384  # bytes: more than the log has, fewer than a snapshot


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Let every write of the process fail that makes a file larger than `SMALL`."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
