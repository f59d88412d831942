"""What CI does to an environment: `cdk deploy`, `cdk diff` and `cdk destroy` of its stacks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from operate.account.leftovers import standing
from operate.cdk_cli import approval, cdk
from operate.delivery.assembly import of_commit, unpacked
from operate.delivery.report.templates import stays
from operate.environment import Client, Environment
from operate.laptop import own_model, stage
from operate.laptop.cdk_cli import cdk_of, only_cli
from operate.releases.instance_type import deployer
from operate.terminal import ask


def deploy(environment: Environment, assembly: Path | None, digest: str, commit: str) -> None:
    """Deploy the stacks, of an assembly that was made before or of this checkout."""
    with _app(environment, assembly, digest, commit) as app:
        if environment.name == "local":
            with only_cli() as cli:
                stage.bootstrap(cli, environment)
                stage.deploy(cli, environment, app)
            return
        cdk("deploy", _stacks(environment), *app, *approval())


def diff(environment: Environment, assembly: Path | None, digest: str) -> None:
    """Show what a deployment would change."""
    with _app(environment, assembly, digest, "") as app, cdk_of(environment, cdk) as run:
        run("diff", _stacks(environment), *app)


def destroy(environment: Environment, confirm: str, ask: Callable[[str], str] = ask) -> None:
    """Say what stays and what it costs, and delete the stacks once the name is typed."""
    from operate.account.cleanup import PRICES  # noqa: PLC0415 - they load the CDK

    stacks = standing(environment)
    if not stacks:
        raise SystemExit(f"no stack of {environment.name} is deployed")
    cloudformation = environment.client("cloudformation")
    print(f"to be deleted: {', '.join(stacks)}")
    for name in stacks:
        for kind, logical_id in _kept(cloudformation, name):
            print(f"stays: {kind} {logical_id} (of {name}), {PRICES.get(kind, 'not billed')}")
    if environment.name != "local":
        typed = confirm or ask(f"type {environment.name} to delete these stacks: ")
        if typed != environment.name:
            raise SystemExit("nothing was deleted")
    _unprotect(environment, stacks)
    with _app(environment, None, "", "") as app, cdk_of(environment, cdk) as run:
        run("destroy", _stacks(environment), "--force", *app)
    if environment.name == "local":
        own_model.forget_unused()
    print(f"`make cleanup ENV={environment.name}` lists what stayed, and deletes it when confirmed")


@contextmanager
def _app(
    environment: Environment, assembly: Path | None, digest: str, commit: str
) -> Iterator[Sequence[str]]:
    """Hand out the CLI's arguments for an assembly, as it was made, or for the checkout."""
    if assembly is None:
        yield ("--context", f"environments={environment.name}", *of_commit(commit))
        return
    if commit:
        raise SystemExit("an assembly has its commit already: give COMMIT to `make assembly`")
    with unpacked(assembly, digest) as folder:
        yield ("--app", str(folder), "--build", "")


def _stacks(environment: Environment) -> str:
    return f"{environment.name.capitalize()}/*"


def _kept(cloudformation: Client, stack: str) -> Iterator[tuple[str, str]]:
    """Yield the type and logical id of what the deletion of a stack leaves in the account."""
    template = cloudformation.get_template(StackName=stack)["TemplateBody"]
    for logical_id, resource in template["Resources"].items():
        if stays(resource):
            yield resource["Type"], logical_id


def _unprotect(environment: Environment, stacks: Sequence[str]) -> None:
    """Take termination protection away, as whoever deploys: the name was typed."""
    cloudformation = environment.client("cloudformation")
    described = {
        name: cloudformation.describe_stacks(StackName=name)["Stacks"][0] for name in stacks
    }
    protected = [name for name, one in described.items() if one.get("EnableTerminationProtection")]
    if not protected:
        return
    as_deployer, _ = deployer(environment)
    for name in protected:
        as_deployer.update_termination_protection(StackName=name, EnableTerminationProtection=False)
