"""The clean-up after `cdk destroy`: everything that stayed is listed, then removed if confirmed."""

import _paths  # noqa: F401  # isort: skip  # first: it makes the imports below find their packages

from collections.abc import Callable

from operate.account import log_groups
from operate.account.leftovers import Leftover, leftovers, remove, standing
from operate.environment import Environment
from operate.terminal import ask
from sagemaker_llm.sizing.prices import GIGABYTE_MONTH, KEY_MONTH, LOG_GIGABYTE_MONTH

PRICES = {
    "AWS::S3::Bucket": f"about {GIGABYTE_MONTH} USD a month for each GB",
    "AWS::Logs::LogGroup": f"about {LOG_GIGABYTE_MONTH} USD a month for each GB",
    "AWS::KMS::Key": f"about {KEY_MONTH:.0f} USD a month, until it is scheduled for deletion",
}
_GIGABYTE = 1_000_000_000


def cleanup(environment: Environment, ask: Callable[[str], str] = ask) -> None:
    """List what stayed and remove it; raises SystemExit if a stack stands or nobody confirms.

    A failed deletion ends the verb; running it again deletes what is left.
    """
    if stacks := standing(environment):
        raise SystemExit(
            f"{', '.join(stacks)} are still there: `make destroy ENV={environment.name}` first"
        )
    _clean_environment(environment, leftovers(environment), ask)
    _clean_account(environment, ask)
    print(
        f"what a new deployment needs stays: {environment.stack_name('Bootstrap')},"
        f" {environment.stack_name('CDKToolkit')} and its bucket of assets"
    )


def _clean_environment(
    environment: Environment, found: list[Leftover], ask: Callable[[str], str]
) -> None:
    for one in found:
        price = PRICES.get(one.resource_type, "not billed")
        print(f"{one.resource_type:<36} {one.name} (of {one.stack}): {price}")
    if not found:
        print(f"nothing of {environment.name} is left")
        return
    if ask(f"type {environment.name} to delete these, with all their data: ") != environment.name:
        raise SystemExit("nothing was deleted")
    for one in found:
        done = remove(environment.client, one)
        print(f"{'deleted' if done else 'kept, other projects may use it'}: {one.name}", flush=True)


def _clean_account(environment: Environment, ask: Callable[[str], str]) -> None:
    """Offer the groups that services write for all projects, which nobody's stack owns."""
    logs = environment.client("logs")
    groups = log_groups.of_the_account(logs)
    for group in groups:
        size = group.stored_bytes / _GIGABYTE
        price = f"{size:.3f} GB, about {size * LOG_GIGABYTE_MONTH:.2f} USD a month"
        print(f"{'the account, of all its projects':<36} {group.name}: {price}")
    if not groups:
        return
    if ask("type account to delete these too, with the lines of every project: ") != "account":
        print(f"kept: `make job-logs ENV={environment.name} DAYS=30` lets their lines expire")
        return
    for group in groups:
        logs.delete_log_group(logGroupName=group.name)
        print(f"deleted: {group.name}", flush=True)
