"""SnapStart's hooks, called as the Web Adapter calls them.

Nothing is frozen and copied here: a version is started when it is published, and ended once it has
been told of its snapshot. The process that the first request starts is told of a snapshot and of
its restore, one after the other, before it serves.
"""

from collections.abc import Sequence
from pathlib import Path

from embedded_aws.core.emulator import Json
from embedded_aws.host import processes

CHECKPOINT = ("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH",)
RESTORED = (*CHECKPOINT, "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH")


def has_snapshot(config: Json) -> bool:
    """Return whether Lambda has taken a snapshot of this version."""
    return bool((config.get("SnapStart") or {}).get("OptimizationStatus") == "On")


def failed_hook(variables: dict[str, str], socket: Path, hooks: Sequence[str]) -> str | None:
    """Call those of the hooks that are configured; return the path of the first that fails."""
    paths = (variables[name] for name in hooks if variables.get(name))
    return next((path for path in paths if not processes.post(socket, path)), None)
