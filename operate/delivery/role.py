"""The role that CI deploys an environment with, and the names that CI signs in with."""

from collections.abc import Callable

from operate.cdk_cli import approval, cdk
from operate.environment import Environment, placed
from stacks.accounts import DELIVERED, Place, bootstrap_role


def deploy_role(environment: Environment, cdk: Callable[..., None] = cdk) -> None:
    """Deploy the stack `Delivery` of an environment's account; raises SystemExit."""
    if environment.name not in DELIVERED:
        raise SystemExit(f"the workflows deploy {', '.join(DELIVERED)}, and not {environment.name}")
    account = place_of(environment.name).account
    app = ("--app", "python delivery.py", "--build", "")
    cdk("deploy", f"Delivery-{account}", *app, *approval())


def place_of(name: str) -> Place:
    """Return where an environment is placed; raises SystemExit if it is nowhere."""
    place = placed(name)
    if not place.account or not place.region:
        raise SystemExit(f"write the account and region of {name} into accounts.toml first")
    return place


def place(environment: Environment) -> None:
    """Print where CI signs in, and as whom, one output of a job's step a line."""
    found = place_of(environment.name)
    account, region = str(found.account), str(found.region)
    role = f"arn:aws:iam::{account}:role"
    print(f"region={region}")
    print(f"role={role}/{environment.name.capitalize()}-Delivery")
    print(f"nightly={role}/{environment.name.capitalize()}-Nightly")
    print(f"reader={role}/{bootstrap_role(environment.name, 'lookup', account, region)}")
