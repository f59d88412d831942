"""The image pull, with the permissions of the execution role, as SageMaker does it."""

import re

from embedded_aws.iam.permissions import role_may

_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)[:@].+")
# The least that SageMaker's guide asks of an execution role. (its page on SageMaker roles)
_ACTIONS = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")


class PullError(Exception):
    """An image that the role may not pull; the message says what it lacks."""


def check_pull(role_arn: str, image: str) -> None:
    """Raise PullError unless the role may pull an image of ECR."""
    match = _IMAGE.fullmatch(image)
    if not match:
        raise PullError(f"the image must be in ECR, got {image!r}")
    account, region, repository = match.groups()
    repository_arn = f"arn:aws:ecr:{region}:{account}:repository/{repository}"
    asked = [("GetAuthorizationToken", "*"), *((action, repository_arn) for action in _ACTIONS)]
    for action, resource in asked:
        if not role_may(role_arn, f"ecr:{action}", resource):
            raise PullError(
                f"The role '{role_arn}' does not have {action} permission for the image: '{image}'."
            )
