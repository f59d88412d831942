"""What a good answer keeps, where the command line does not say: what the environment promises."""

from argparse import Namespace
from typing import TYPE_CHECKING

from operate.declared import policy_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagemaker_llm import Sizing

LIMITS = ("max_time_to_first_token", "max_inter_token_latency")


def _sizing(name: str) -> "Sizing | None":
    from app import environment_of  # noqa: PLC0415 - it imports the CDK, which takes seconds

    return environment_of(name).sizing


def promised(
    given: Namespace, sizing: "Callable[[str], Sizing | None]" = _sizing
) -> dict[str, float]:
    """Return the limits of a run that its arguments leave open and its environment declares.

    This machine and a URL declare no load: the published table's limits then hold.
    """
    left_open = [name for name in LIMITS if getattr(given, name) is None]
    if not left_open or given.url or given.env == "local" or given.env not in policy_files():
        return {}
    declared = sizing(given.env)
    if declared is None:
        return {}
    objective = declared.load.objective
    a_token = objective.milliseconds_per_token / 1000
    # Without a promise of its own, the first token is part of what the whole answer may take.
    first = objective.time_to_first_token_seconds or a_token * given.tokens
    limits = dict(zip(LIMITS, (first, a_token), strict=True))
    return {name: limits[name] for name in left_open}
