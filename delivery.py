"""The CDK app of the roles that CI deploys with: `make delivery` deploys it, CI never does."""

import app as environments  # isort: skip  # first: it makes the imports below find their packages

from collections import defaultdict
from typing import TYPE_CHECKING

import aws_cdk as cdk

from stacks.accounts import DELIVERED
from stacks.delivery_stack import DeliveryStack

if TYPE_CHECKING:
    from stacks.accounts import Place


def build() -> cdk.App:
    """Return the app with a stack for each account; raises SystemExit without a repository."""
    app = environments.empty()
    known = environments.accounts()
    if known.repository is None:
        raise SystemExit("write the repository into accounts.toml, under [github]")
    # An account has one stack for its environments: so it has no tag of one of them.
    by_account: dict[str, dict[str, Place]] = defaultdict(dict)
    for name in DELIVERED:
        place = known.place(name)
        if place.account and place.region:
            by_account[place.account][name] = place
    for account, places in by_account.items():
        DeliveryStack(
            app,
            f"Delivery-{account}",
            repository=known.repository,
            environments=places,
            account=account,
            region=str(next(iter(places.values())).region),
            tags=known.tags,
        )
    return app


if __name__ == "__main__":
    build().synth()
