"""The clean-up after `cdk destroy`: everything that stayed is listed, then removed if confirmed."""

from collections.abc import Callable

from operate.account.leftovers import leftovers, remove, standing
from operate.environment import Environment
from operate.terminal import ask

_PRICES = {
    "AWS::S3::Bucket": "about 0.023 USD a month for each GB",
    "AWS::Logs::LogGroup": "about 0.03 USD a month for each GB",
    "AWS::KMS::Key": "about 1 USD a month, until it is scheduled for deletion",
}
_SHARED = (
    "not the environment's alone, so they stay: CDKToolkit and its bucket of assets,"
    " {stage}-Bootstrap, /aws/sagemaker/TrainingJobs, /aws/sagemaker/ProcessingJobs,"
    " /aws/apigateway/welcome"
)


def cleanup(environment: Environment, ask: Callable[[str], str] = ask) -> None:
    """List what stayed and remove it; raises SystemExit if a stack stands or nobody confirms.

    A failed deletion ends the verb; running it again deletes what is left.
    """
    if stacks := standing(environment):
        raise SystemExit(
            f"{', '.join(stacks)} are still there: cdk destroy -c environments={environment.name}"
            f" '{environment.name.capitalize()}/*' first"
        )
    found = leftovers(environment)
    for one in found:
        price = _PRICES.get(one.resource_type, "not billed")
        print(f"{one.resource_type:<36} {one.name} (of {one.stack}): {price}")
    print(_SHARED.format(stage=environment.name.capitalize()))
    if not found:
        print(f"nothing of {environment.name} is left")
        return
    if ask(f"type {environment.name} to delete these, with all their data: ") != environment.name:
        raise SystemExit("nothing was deleted")
    for one in found:
        done = remove(environment.client, one)
        print(f"{'deleted' if done else 'kept, other projects may use it'}: {one.name}", flush=True)
