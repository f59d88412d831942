"""The instance types against what AWS's data says of them."""

import json
from importlib.util import find_spec
from pathlib import Path

import botocore.loaders
import pytest

from allowed_values.instances import FAMILIES
from sagemaker_llm.models.instances import INSTANCE_TYPES, Processor, find_instance

_WITHOUT_GPU = [each for each in INSTANCE_TYPES.values() if not each.gpus]


@pytest.fixture(name="hosting", scope="module")
def _hosting() -> set[str]:
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    return set(model["shapes"]["ProductionVariantInstanceType"]["enum"])


def test_all_can_host_an_endpoint(hosting: set[str]) -> None:
    assert hosting >= INSTANCE_TYPES.keys()


def test_families_without_gpus_have_all_their_sizes(hosting: set[str]) -> None:
    families = {each.name.split(".")[1] for each in _WITHOUT_GPU}
    there = {name for name in hosting if name.split(".")[1] in families}
    assert {each.name for each in _WITHOUT_GPU} == there


@pytest.mark.parametrize(
    ("instance_type", "processor", "gib"),
    [
        ("ml.c6i.2xlarge", Processor.X86_64, 16),
        ("ml.c7i.8xlarge", Processor.X86_64, 64),
        ("ml.c7g.2xlarge", Processor.ARM64, 16),
        ("ml.m6i.xlarge", Processor.X86_64, 16),
        ("ml.r8g.medium", Processor.ARM64, 8),
    ],
)
def test_instance_without_a_gpu_has_its_processor_and_memory(
    instance_type: str, processor: Processor, gib: int
) -> None:
    found = find_instance(instance_type)
    assert (found.processor, found.host_bytes, found.gpus) == (processor, gib * 2**30, 0)
    assert not found.has_local_nvme


def test_gpu_counts_are_the_sdks_where_it_has_them() -> None:
    sagemaker = find_spec("sagemaker")
    assert sagemaker
    assert sagemaker.submodule_search_locations
    folder = Path(sagemaker.submodule_search_locations[0]) / "core" / "image_uri_config"
    regions = json.loads((folder / "instance_gpu_info.json").read_text()).values()
    known = {name: info["Count"] for region in regions for name, info in region.items()}
    assert known["ml.g5.12xlarge"] == 4
    assert all(each.gpus == known.get(name, each.gpus) for name, each in INSTANCE_TYPES.items())


@pytest.mark.parametrize("family", ["g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5"])
def test_family_with_disks_of_its_own_takes_no_key(family: str) -> None:
    assert FAMILIES[family].has_local_nvme


def test_family_with_attached_volumes_only_takes_a_key() -> None:
    assert not find_instance("ml.p3.2xlarge").has_local_nvme


@pytest.mark.parametrize(
    ("instance_type", "message"),
    [
        ("g5.xlarge", "instance_type must start with 'ml.', got 'g5.xlarge'"),
        ("ml.m5.large", r"must be of a family that serves models \(g4dn, .*\), got 'ml.m5.large'"),
        ("ml.g5", r"instance_type must be of a size that g5 has \(xlarge, .*\), got 'ml.g5'"),
        ("ml.g5.3xlarge", r"instance_type must be of a size that g5 has \(.*\), got"),
        ("", "instance_type must start with 'ml.', got ''"),
    ],
)
def test_instance_type_is_refused_when_it_cannot_serve(instance_type: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_instance(instance_type)
