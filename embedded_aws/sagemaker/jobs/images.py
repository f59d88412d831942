"""The images that jobs may name: those whose packages the Python for jobs has."""

from embedded_aws.core.rpc import invalid

_IMAGE_REPOSITORY = "huggingface-pytorch-training"


def check_image(image: str) -> None:
    """Raise ServiceError for an image that has no counterpart here."""
    if _IMAGE_REPOSITORY not in image:
        raise invalid(
            f"the embedded SageMaker runs jobs of {_IMAGE_REPOSITORY} images only, got {image!r}"
        )


def check_one_instance(count: int) -> None:
    """Raise ServiceError for a cluster: this machine is one instance."""
    if count != 1:
        raise invalid(f"the embedded SageMaker runs jobs on one instance, got {count}")
