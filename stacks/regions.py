"""The regions that are known to have all that an environment on ml.g5 needs, and how we know."""

# Evidence, which tests/unit/stacks/test_regions.py compares with the data: the SageMaker SDK has a
# registry there for TGI 1.1.0, one for the training image, and a bucket of JumpStart's content.
# cfn-lint, whose lists come from AWS's prices, has ml.g5 there to serve and to evaluate. The Web
# Adapter's layer has always been published there: regions that joined later count other versions.
# Unverified: that the registry has the image's tag and the bucket the model; see `make preflight`.
KNOWN_REGIONS = (
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
)


def check_region(region: str) -> None:
    """Raise ValueError for a region that is not known to have all that is needed."""
    if region not in KNOWN_REGIONS:
        raise ValueError(
            f"region must be one of {', '.join(KNOWN_REGIONS)}, which are known to have the images,"
            " layer, weights and instances; for another one, set allow_unlisted_region in"
            f" stacks/environments.py and look at `make preflight`, got {region!r}"
        )
