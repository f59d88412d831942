"""What the server's last end lost: reported in its log, at its start and by `status`."""

import logging
import time
from contextlib import suppress

from embedded_aws.host import home
from embedded_aws.state.snapshots import Snapshot

_interrupted: list[str] = []
_log = logging.getLogger(__name__)


def note(interrupted: str) -> None:
    """Remember something that was going on when the state was saved."""
    _interrupted.append(interrupted)


def at(seconds: float) -> str:
    """Return a time of this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def report(snapshot: Snapshot | None, set_aside: list[str]) -> None:
    """Report what was lost; `set_aside` names damaged snapshots."""
    lines = [f"a damaged snapshot was set aside: {name}" for name in set_aside]
    if snapshot and not snapshot.clean:
        lines.append(
            f"the embedded AWS was killed: its state is that of {at(snapshot.saved_at)}, "
            "later changes are lost"
        )
    elif set_aside and snapshot:
        lines.append(f"the state is that of {at(snapshot.saved_at)}, later changes are lost")
    elif set_aside:
        lines.append("no snapshot can be read: the embedded AWS starts empty")
    lines += [f"it ended while {what}" for what in _interrupted]
    for line in lines:
        _log.warning(line)
    home.LOSSES.unlink(missing_ok=True)
    if lines:
        with suppress(OSError):  # the disk is full
            home.LOSSES.write_text("".join(f"{line}\n" for line in lines))
