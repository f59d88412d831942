"""Which earlier run of a step a pipeline takes instead of running it again."""

import hashlib
import json
import re
from collections.abc import Iterable

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import invalid, now
from embedded_aws.sagemaker.pipelines.definition import Step

# The arguments that SageMaker compares, by its documentation.
_COMPARED = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}
_DURATION = re.compile(
    r"P?(?:(?P<Y>\d+)Y)?(?:(?P<M>\d+)M)?(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?"
    r"(?:T?(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?",
    re.IGNORECASE,
)
_DAY = 86_400
_SECONDS = {
    "Y": 365 * _DAY,
    "M": 30 * _DAY,
    "W": 7 * _DAY,
    "D": _DAY,
    "h": 3600,
    "m": 60,
    "s": 1,
}


def seconds(duration: str) -> int:
    """Return an ISO 8601 duration like `P30D` or `PT1H`; raises ServiceError for any other text."""
    match = _DURATION.fullmatch(duration)
    found = {unit: int(n) for unit, n in (match.groupdict() if match else {}).items() if n}
    if not found:
        raise invalid(f"ExpireAfter must be an ISO 8601 duration like P30D, got {duration!r}")
    return sum(_SECONDS[unit] * count for unit, count in found.items())


def key(step: Step, arguments: Json) -> str | None:
    """Return what is the same in two runs that do the same; None for a step that is not cached."""
    if not step.body.get("CacheConfig", {}).get("Enabled"):
        return None
    compared = {name: arguments.get(name) for name in _COMPARED[step.type]}
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


def find(step: Step, cache_key: str, executions: Iterable[Json]) -> tuple[Json, str] | None:
    """Return the newest run with this key that is not too old, and the ARN of its execution."""
    expires = step.body["CacheConfig"].get("ExpireAfter")
    oldest = now() - seconds(expires) if expires else 0
    runs = [
        (run, execution["PipelineExecutionArn"])
        for execution in executions
        for run in list(execution["_Steps"].values())
        if run["StepName"] == step.name
        and run["StepStatus"] == "Succeeded"
        and run.get("_CacheKey") == cache_key
        and "CacheHitResult" not in run
        and run["EndTime"] >= oldest
    ]
    return max(runs, key=lambda found: found[0]["EndTime"], default=None)
