"""A process and all that it started, and the sockets on which they listen."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"


def tcp_listeners(root: int) -> list[str]:
    """The addresses, in the kernel's hexadecimal form, on which a tree of processes listens."""
    sockets = {inode for pid in process_tree(root) for inode in _sockets(pid)}
    return [address for address, inode in _listeners() if inode in sockets]


def process_tree(root: int) -> Iterator[int]:
    """The process, and all that it started and that they started in turn."""
    yield root
    with suppress(OSError):  # what has ended meanwhile has no children
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from process_tree(int(child))


def _sockets(pid: int) -> Iterator[str]:
    with suppress(FileNotFoundError):  # likewise
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target.removeprefix("socket:[").removesuffix("]")


def _listeners() -> Iterator[tuple[str, str]]:
    """Address and inode of every listening TCP socket of this machine."""
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING:
                yield fields[1], fields[9]
