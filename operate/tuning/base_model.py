"""The base model of the local environment, uploaded from its package to the data bucket."""

from pathlib import Path
from urllib.parse import urlsplit

from embedded_aws.model_server import packaged
from operate.environment import Client
from operate.tuning.parameters import Declared


def ensure_base_model(s3: Client, declared: Declared, bucket: str) -> None:
    """Upload the packaged weights once, if the pipeline expects them in the data bucket."""
    uri = str(declared["BaseModelUri"]["DefaultValue"])
    place = urlsplit(uri)
    if place.netloc != bucket:
        return  # Published weights.
    prefix = place.path.lstrip("/")
    if s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]:
        return
    weights = _packaged_weights(uri)
    print(f"uploading the base model to {uri}")
    s3.upload_file(str(weights), bucket, f"{prefix}{weights.name}")


def _packaged_weights(uri: str) -> Path:
    advice = f"put the base model's safetensors and its tokenizer under {uri} first"
    # The folder has the name of the catalog's entry: another model's are its operator's to bring.
    if not uri.endswith(f"/{packaged.MODEL_ID.rpartition('/')[2].lower()}/"):
        raise SystemExit(advice)
    try:
        return packaged.weights()
    except FileNotFoundError as error:
        raise SystemExit(advice) from error
