"""cfn-lint over templates, in this process: starting it takes longer than most templates do."""

from collections.abc import Iterable
from pathlib import Path

# The CDK makes a function depend on its role explicitly, which the reference already implies.
_IGNORED = "W3005"


def findings(templates: Iterable[Path]) -> list[str]:
    """Return what cfn-lint finds in them."""
    from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - it takes seconds, of the tests that lint
    from cfnlint.runner import Runner  # noqa: PLC0415 - likewise

    paths = [str(path) for path in templates]
    assert paths
    config = ConfigMixIn(["--ignore-checks", _IGNORED, "--", *paths])
    return [str(found) for found in Runner(config).run()]
