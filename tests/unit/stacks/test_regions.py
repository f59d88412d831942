"""The known regions against the data of AWS's tools that they are known from."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sagemaker_llm.models.weights import JumpStartWeights
from stacks.regions import KNOWN_REGIONS

# The Web Adapter's release notes name the regions that joined later.
_HAVE_THE_LAYER_SINCE_LONG_AGO = {
    *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ca-central-1"),
    *("eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
}


def _data(package: str, path: str) -> Any:
    found = find_spec(package)
    assert found
    assert found.submodule_search_locations
    return json.loads((Path(found.submodule_search_locations[0]) / path).read_text())


def _with_g5(use: str) -> set[str]:
    path = f"data/schemas/extensions/aws_sagemaker_{use}/instancetype_enum.json"
    lists = _data("cfnlint", path)
    del lists["description"]
    return {region for region, each in lists.items() if "ml.g5.2xlarge" in each["enum"]}


def _with_image(framework: str, scope: str, *version: str) -> set[str]:
    entry = _data("sagemaker", f"core/image_uri_config/{framework}.json")[scope]["versions"]
    for name in version:
        entry = entry[name]
    return set(entry["registries"])


def _with_jumpstart() -> set[str]:
    buckets = _data("sagemaker", "core/jumpstart/region_config.json")
    return {
        region
        for region, each in buckets.items()
        if each["content_bucket"] == JumpStartWeights.bucket_name(region)
    }


def test_known_regions_are_those_with_all_that_is_needed() -> None:
    images = _with_image("huggingface-llm", "inference", "1.1.0") & _with_image(
        "huggingface", "training", "4.56.2", "pytorch2.8.0"
    )
    instances = _with_g5("hosting") & _with_g5("processing")
    everything = images & instances & _with_jumpstart() & _HAVE_THE_LAYER_SINCE_LONG_AGO
    assert sorted(everything) == list(KNOWN_REGIONS)
