"""The instance types against what AWS's data says of them."""

import json
from importlib.util import find_spec
from pathlib import Path

import botocore.loaders
import pytest

from allowed_values.instances import FAMILIES
from sagemaker_llm.models.instances import family_of, gpu_count

_ALL = [f"ml.{family}.{size}" for family, each in FAMILIES.items() for size in each.sizes]


def test_all_can_host_an_endpoint() -> None:
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    assert set(_ALL) <= set(model["shapes"]["ProductionVariantInstanceType"]["enum"])


def test_gpu_counts_are_the_sdks_where_it_has_them() -> None:
    sagemaker = find_spec("sagemaker")
    assert sagemaker
    assert sagemaker.submodule_search_locations
    folder = Path(sagemaker.submodule_search_locations[0]) / "core" / "image_uri_config"
    regions = json.loads((folder / "instance_gpu_info.json").read_text()).values()
    known = {name: info["Count"] for region in regions for name, info in region.items()}
    assert known["ml.g5.12xlarge"] == 4
    assert all(gpu_count(name) == known.get(name, gpu_count(name)) for name in _ALL)


@pytest.mark.parametrize("family", ["g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5"])
def test_family_with_disks_of_its_own_takes_no_key(family: str) -> None:
    assert FAMILIES[family].has_local_nvme


def test_family_with_attached_volumes_only_takes_a_key() -> None:
    assert not family_of("ml.p3.2xlarge").has_local_nvme


@pytest.mark.parametrize(
    ("instance_type", "message"),
    [
        ("g5.xlarge", "instance_type must start with 'ml.', got 'g5.xlarge'"),
        ("ml.m5.large", r"instance_type must be of a GPU family \(g4dn, .*\), got 'ml.m5.large'"),
        ("ml.g5", r"instance_type must be of a size that g5 has \(xlarge, .*\), got 'ml.g5'"),
        ("ml.g5.3xlarge", r"instance_type must be of a size that g5 has \(.*\), got"),
        ("", "instance_type must start with 'ml.', got ''"),
    ],
)
def test_instance_type_is_refused_when_it_cannot_serve(instance_type: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gpu_count(instance_type)
