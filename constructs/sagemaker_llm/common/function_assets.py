"""The built function assets, which synth packages and never builds."""

from enum import StrEnum

import aws_cdk as cdk
import aws_cdk.aws_lambda as lambda_

from . import sources


class FunctionTarget(StrEnum):
    """What a function's asset is built for."""

    AWS = "aws"
    LOCAL = "local"


def function_code(function: str, target: FunctionTarget) -> lambda_.Code:
    """Return a function's built asset, raising FileNotFoundError where there is none yet."""
    folder = sources.BUILT / function
    asset, contents = folder / target, folder / f"{target}.contents"
    if not (asset.is_dir() and contents.is_file()):
        raise FileNotFoundError(
            f"build the function assets with '{sources.BUILD_COMMAND}', missing {asset}"
        )
    # The build's digest of what is in the asset is its name.
    return lambda_.Code.from_asset(
        str(asset), asset_hash=contents.read_text(), asset_hash_type=cdk.AssetHashType.CUSTOM
    )
