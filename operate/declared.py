"""The declared environments, by the policies that `make golden` writes for each of them."""

from pathlib import Path

_POLICIES = Path(__file__).parents[1] / "bootstrap"


def policy_files() -> dict[str, Path]:
    """Return the file of each environment's deployment policies, by the environment's name."""
    return {file.stem: file for file in sorted(_POLICIES.glob("*.json"))}
