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

WEB_ADAPTER = ":layer:LambdaAdapterLayer"
# Of the layer's versions in the older regions: release 1.1 of the adapter, since 1.0 has no hooks.
_FIRST_WITH_HOOKS = 30


def has_snapshot(config: Json) -> bool:
    """Return whether Lambda has taken a snapshot of this version."""
    return bool((config.get("SnapStart") or {}).get("OptimizationStatus") == "On")


def calls_hooks(config: Json) -> bool:
    """Return whether the adapter tells this version of its snapshot."""
    layers = (layer["Arn"] for layer in config.get("Layers", []))
    versions = [int(arn.rpartition(":")[2]) for arn in layers if WEB_ADAPTER in arn]
    return has_snapshot(config) and max(versions, default=0) >= _FIRST_WITH_HOOKS


def failed_hook(variables: dict[str, str], socket: Path, hooks: Sequence[str]) -> str | None:
    """Call those of the hooks that are configured; return the path of the first that fails."""
    paths = (variables[name] for name in hooks if variables.get(name))
    return next((path for path in paths if not processes.post(socket, path)), None)
