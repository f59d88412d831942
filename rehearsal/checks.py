"""What is deployed after a merge, whatever the job said of itself."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from operate.api.deployment import Deployment, find_deployment
from operate.environment import Environment
from rehearsal.cast.aws import Aws
from rehearsal.cast.users import ask

_OWNER = "platform-team"
_STACKS = ("Serving", "Api", "Training")


class CheckFailedError(Exception):
    """Something that is deployed is not what it should be."""


def environment(aws: Aws, name: str) -> Environment:
    """Return an environment as the administrator of its account sees it."""
    return Environment(
        name,
        client=cache(lambda service, region=None: aws.client(service, name)),  # noqa: ARG005 - all are in one region
        endpoint_url=aws.endpoint_url,
    )


def deployment(aws: Aws, name: str) -> Deployment:
    """Return what a client of an environment needs."""
    return find_deployment(environment(aws, name))


def check(aws: Aws, name: str, commit: str) -> None:
    """Raise CheckFailedError unless a commit is deployed, tagged, and answers."""
    found = environment(aws, name)
    wanted = {"environment": name, "commit": commit, "owner": _OWNER}
    for what, tags in _tagged(found):
        if not wanted.items() <= tags.items():
            raise CheckFailedError(f"{what} of {name} must have the tags {wanted}, got {tags}")
    api = find_deployment(found)
    answer = ask(api.base_url, api.api_key)
    if answer.is_error:
        raise CheckFailedError(f"{name} does not answer: {answer.status_code} {answer.text}")


def _tagged(found: Environment) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what has tags, with them."""
    for stack in _STACKS:
        yield stack, _by_key(found.describe(stack)["Tags"])
    sagemaker, scaling = found.client("sagemaker"), found.client("application-autoscaling")
    for arn in _of_sagemaker(found):
        yield arn, _by_key(sagemaker.list_tags(ResourceArn=arn)["Tags"])
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    for arn in (target["ScalableTargetARN"] for target in targets):
        yield arn, scaling.list_tags_for_resource(ResourceARN=arn)["Tags"]
    functions = found.client("lambda")
    for arn in (each["FunctionArn"] for each in functions.list_functions()["Functions"]):
        yield arn, functions.list_tags(Resource=arn)["Tags"]


def _by_key(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _of_sagemaker(found: Environment) -> list[str]:
    """Return the ARNs of the endpoint, its configuration, its model and the registry's group."""
    sagemaker = found.client("sagemaker")
    name = found.outputs("Serving")["EndpointName"]
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    group = sagemaker.describe_model_package_group(
        ModelPackageGroupName=found.outputs("Training")["ModelPackageGroupName"]
    )
    return [
        endpoint["EndpointArn"],
        config["EndpointConfigArn"],
        model["ModelArn"],
        group["ModelPackageGroupArn"],
    ]
