"""What CI does to an environment: `cdk deploy`, `cdk diff` and `cdk destroy` of its stacks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from operate.account.leftovers import standing
from operate.cdk_cli import app_of, approval, cdk, parameter_options
from operate.delivery.assembly import synthesized, unpacked
from operate.delivery.commits import warn_without
from operate.delivery.report.templates import stays, templates_of
from operate.environment import Client, Environment
from operate.laptop import own_model, stage
from operate.laptop.cdk_cli import cdk_of, only_cli
from operate.releases.deployer import deployer
from operate.releases.unguarded import of_deployment
from operate.terminal import ask


def deploy(
    environment: Environment,
    assembly: Path | None,
    digest: str,
    commit: str,
    *,
    unguarded: bool = False,
) -> None:
    """Deploy the stacks, of an assembly that was made before or of this checkout.

    `unguarded`: no alarm undoes the update of the endpoint.
    """
    if assembly is None:
        warn_without(commit, environment.name)
    with _assembled(environment, assembly, digest, commit) as folder:
        if environment.name == "local":
            with only_cli() as cli:
                stage.bootstrap(cli, environment)
                stage.deploy(cli, environment, folder, unguarded=unguarded)
            return
        as_deployer, _ = deployer(environment)
        values = of_deployment(environment, as_deployer, templates_of(folder), unguarded=unguarded)
        serving = environment.stack_name("Serving")
        options = (*approval(), *parameter_options(serving, values))
        cdk("deploy", _stacks(environment), *app_of(folder), *options)


def diff(environment: Environment, assembly: Path | None, digest: str) -> None:
    """Show what a deployment would change."""
    with (
        _assembled(environment, assembly, digest, "") as folder,
        cdk_of(environment, cdk) as run,
    ):
        run("diff", _stacks(environment), *app_of(folder))


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
    context = ("--context", f"environments={environment.name}")
    with cdk_of(environment, cdk) as run:
        run("destroy", _stacks(environment), "--force", *context)
        if environment.name == "local":
            own_model.forget_unused()
    print(f"`make cleanup ENV={environment.name}` lists what stayed, and deletes it when confirmed")


def _assembled(
    environment: Environment, assembly: Path | None, digest: str, commit: str
) -> AbstractContextManager[Path]:
    """Return what hands out a folder with an assembly, as it was made, or of the checkout."""
    if assembly is None:
        if digest:  # else a job that lost its ASSEMBLY would deploy something else
            raise SystemExit("DIGEST is an assembly's: give ASSEMBLY too, or neither")
        return synthesized(commit, environment.name)
    if commit:
        raise SystemExit("an assembly has its commit already: give COMMIT to `make assembly`")
    return unpacked(assembly, digest)


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
