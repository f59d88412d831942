"""The AWS Lambda Web Adapter: the layer that runs a web application, streaming, as a function."""

import aws_cdk as cdk

# Release 1.1 of the adapter, the first that calls SnapStart's hooks. A region counts the layer's
# versions from when it was first published there: 30 is this release's number in the 22 older
# regions, not in those that joined since 2025.
_LAYER = "arn:aws:lambda:{region}:753240598075:layer:LambdaAdapterLayerArm64:30"

_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")

PORT = 8080

ENVIRONMENT = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_PORT": str(PORT),
    "AWS_LWA_READINESS_CHECK_PATH": "/health",
}


# The adapter calls these before Lambda takes a snapshot of the started proxy, and after restores.
SNAPSTART_ENVIRONMENT = {
    "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/snapstart/checkpoint",
    "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/snapstart/restored",
}


def layer_arn(region: str) -> str:
    """Return a region's arm64 layer, raising ValueError where there is none; tokens will do."""
    # China has the adapter for x86 only, and no other partition has it: publish the layer there
    # yourself, from the adapter's release, and give its ARN here.
    if not cdk.Token.is_unresolved(region) and region.startswith(_OTHER_PARTITIONS):
        raise ValueError(
            "region must be in the partition 'aws', the only one where the Lambda Web Adapter"
            f" is published for arm64, got {region!r}"
        )
    return _LAYER.format(region=region)
