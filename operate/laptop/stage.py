"""The stage `local`: its bootstrap and its deployment into the embedded AWS."""

from collections.abc import Mapping
from pathlib import Path

from bootstrap.stage import Stage
from bootstrap.template import template
from embedded_aws.host import contents
from operate.account import bootstrap as account
from operate.cdk_cli import app_of, parameter_options
from operate.delivery.report.templates import Json, Templates, templates_of
from operate.environment import Environment
from operate.laptop import waiting
from operate.laptop.cdk_cli import ASSEMBLY, Cli
from operate.releases.components import hosts_components
from operate.releases.instance_type import InstanceTypeChange
from operate.releases.unguarded import of_deployment
from operate.releases.updates import INSTANCE_TYPE, PACKAGE, served_package

_NAME = "local"
STAGE = _NAME.capitalize()

_SERVER = "ServingImageTag"  # the output that names the server
_ADAPTERS = "sagemaker:CreateInferenceComponent"  # the right that only an endpoint with them needs


def bootstrap(cli: Cli, local: Environment, policies: Json | None = None) -> None:
    """Bootstrap the embedded account with its stage's policies, unless that is done.

    The verb is the one for AWS, so the same policies limit deployments here. By default they are
    those of the stage as the checkout declares it.
    """
    waiting.until_settled(contents.stacks)
    wanted = policies or account.declared(_NAME)
    if not _is_bootstrapped(wanted):
        _delete_another_endpoint(local, has_adapters=_ADAPTERS in str(wanted))
        account.bootstrap(local, cli.try_cdk, wanted)


def _delete_another_endpoint(local: Environment, *, has_adapters: bool) -> None:
    """Delete the serving stack that is to get its first adapters, or to lose its last.

    Its endpoint is another one then, and whoever may deploy that one may not delete this one.
    """
    name = local.stack_name("Serving")
    if name not in dict(contents.stacks()) or "EndpointName" not in local.outputs("Serving"):
        return
    if hosts_components(local) is not has_adapters:
        print(f"deleting {name} first: an endpoint with adapters is another one", flush=True)
        contents.client("cloudformation").delete_stack(StackName=name)
        waiting.until_settled(contents.stacks)


def policies_of_synthesized() -> Json:
    """Return the policies of the stage as the app wrote it last, with a person's own model."""
    return template(Stage(STAGE, _synthesized()))


def _is_bootstrapped(wanted: Json) -> bool:
    policies, found = f"{STAGE}-Bootstrap", dict(contents.stacks())
    complete = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    if any(found.get(name) not in complete for name in (policies, f"{STAGE}-CDKToolkit")):
        return False
    deployed = contents.client("cloudformation").get_template(StackName=policies)["TemplateBody"]
    return bool(deployed == wanted)


def deploy(
    cli: Cli, local: Environment, assembly: Path = ASSEMBLY, *, unguarded: bool = False
) -> None:
    """Deploy an assembly once nothing changes the stage, as an interrupted deploy may."""
    waiting.until_settled(contents.stacks)
    waiting.until_settled(contents.endpoints)  # After a restart their containers start again.
    _finish_deletions()
    how = ("--require-approval", "never", "--method", "direct", "--concurrency", "2")
    serving, cloudformation = local.stack_name("Serving"), local.client("cloudformation")
    values = {
        **of_deployment(local, cloudformation, _synthesized(assembly), unguarded=unguarded),
        **(_changes(cli, local) if assembly == ASSEMBLY else {}),
    }
    cli.cdk("deploy", f"{STAGE}/*", *app_of(assembly), *how, *parameter_options(serving, values))
    check_endpoint(local.outputs("Serving")["EndpointName"])


def _changes(cli: Cli, local: Environment) -> Mapping[str, str]:
    """Return the parameters that another model on another server needs; none for the same one."""
    name = local.stack_name("Serving")
    if name not in dict(contents.stacks()):
        return {}
    wanted, deployed = _synthesized()[name], local.outputs("Serving").get(_SERVER)
    if deployed is None:  # It never served.
        return {}
    if hosts_components(local) is (INSTANCE_TYPE in wanted["Parameters"]):
        raise SystemExit(
            "adding the first adapter, or removing the last, needs other permissions:"
            " run `make golden`, which writes them, then this command again"
        )
    if deployed == wanted["Outputs"][_SERVER]["Value"]:
        return {}
    if package := served_package(local):
        print(f"{package} was tuned from another model: the base weights are served instead")
    instance_type = wanted["Parameters"][INSTANCE_TYPE]["Default"]
    return {PACKAGE: "", **InstanceTypeChange(local, cli.cdk).prepare(instance_type)}


def _synthesized(assembly: Path = ASSEMBLY) -> Templates:
    """Return the stage's templates, by default those that the app wrote last."""
    return templates_of(assembly / f"assembly-{STAGE}")


def _finish_deletions() -> None:
    """Finish interrupted deletions of stacks, which take no update."""
    for name, status in contents.stacks():
        if status == "DELETE_FAILED":
            print(f"deleting {name}, whose deletion was interrupted", flush=True)
            contents.client("cloudformation").delete_stack(StackName=name)
    waiting.until_settled(contents.stacks)


def check_endpoint(name: str) -> None:
    """Raise SystemExit unless the endpoint is in service."""
    found = contents.client("sagemaker").describe_endpoint(EndpointName=name)
    if found["EndpointStatus"] != "InService":
        raise SystemExit(
            f"the endpoint {name} is {found['EndpointStatus']}: "
            f"{found.get('FailureReason', 'no reason was given')}; "
            "`make logs` shows more, `make down` and `make up` start it again"
        )
