"""AWS's container images: repositories, tags, and the registry account of each region."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated

from allowed_values.rules import Pattern

from .checked import Checked

_REPOSITORY = Pattern(
    r"(?=.{2,200}$)[a-z0-9]+([._/-]+[a-z0-9]+)*",
    "the repository's name in ECR: 2 to 200 lower-case letters and digits, with . _ - / between",
)
_TAG = Pattern(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "a tag: 1 to 128 letters, digits and _.-, no . or - first"
)
_DIGEST = Pattern(r"sha256:[0-9a-f]{64}", "'sha256:' and 64 hexadecimal digits")


@dataclass(frozen=True, kw_only=True)
class Image(Checked):
    """An image in AWS's registries, by its tag or pinned by its digest.

    A tag can be moved to another image; a digest always names the same one. `make image` prints the
    tag's digest and compares a pinned one with it.
    """

    repository: Annotated[str, _REPOSITORY]
    tag: Annotated[str, _TAG]
    digest: Annotated[str, _DIGEST] | None = None
    # Otherwise in the commercial regions only, not in AWS's other partitions.
    is_in_all_partitions: bool = True

    def pinned(self, digest: str) -> "Image":
        """Return the image pinned to a digest."""
        return replace(self, digest=digest)

    @property
    def accounts(self) -> Mapping[str, str]:
        """The registry's account in each region that has the image."""
        if self.is_in_all_partitions:
            return DLC_ACCOUNTS
        return {r: a for r, a in DLC_ACCOUNTS.items() if not r.startswith(_OTHER_PARTITIONS)}

    @property
    def reference(self) -> str:
        """The part of the URI after the registry: with a tag or a digest, not both."""
        return (
            f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"
        )


# The job scripts are written for the transformers and peft in it. The SDK's data list it in fewer
# regions than the TGI image, always with the same account.
TRAINING = Image(
    repository="huggingface-pytorch-training",
    tag="2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04",
)

# Copied from the SageMaker SDK's data, which is too slow to import at synth; a test compares them.
DLC_ACCOUNTS: Mapping[str, str] = MappingProxyType(
    {
        "af-south-1": "626614931356",
        "ap-east-1": "871362719292",
        "ap-east-2": "975050140332",
        "ap-northeast-1": "763104351884",
        "ap-northeast-2": "763104351884",
        "ap-northeast-3": "364406365360",
        "ap-south-1": "763104351884",
        "ap-south-2": "772153158452",
        "ap-southeast-1": "763104351884",
        "ap-southeast-2": "763104351884",
        "ap-southeast-3": "907027046896",
        "ap-southeast-4": "457447274322",
        "ap-southeast-5": "550225433462",
        "ap-southeast-6": "633930458069",
        "ap-southeast-7": "590183813437",
        "ca-central-1": "763104351884",
        "ca-west-1": "204538143572",
        "cn-north-1": "727897471807",
        "cn-northwest-1": "727897471807",
        "eu-central-1": "763104351884",
        "eu-central-2": "380420809688",
        "eu-isoe-west-1": "371248457586",
        "eu-north-1": "763104351884",
        "eu-south-1": "692866216735",
        "eu-south-2": "503227376785",
        "eu-west-1": "763104351884",
        "eu-west-2": "763104351884",
        "eu-west-3": "763104351884",
        "eusc-de-east-1": "204133271717",
        "il-central-1": "780543022126",
        "me-central-1": "914824155844",
        "me-south-1": "217643126080",
        "me-west-1": "124382933778",
        "mx-central-1": "637423239942",
        "sa-east-1": "763104351884",
        "us-east-1": "763104351884",
        "us-east-2": "763104351884",
        "us-gov-east-1": "446045086412",
        "us-gov-west-1": "442386744353",
        "us-iso-east-1": "886529160074",
        "us-isob-east-1": "094389454867",
        "us-isof-east-1": "303241398832",
        "us-isof-south-1": "454834333376",
        "us-west-1": "763104351884",
        "us-west-2": "763104351884",
    }
)


_OTHER_PARTITIONS = ("cn-", "eu-isoe-", "eusc-", "us-gov-", "us-iso-", "us-isob-", "us-isof-")


def registry_account(region: str, image: Image) -> str:
    """Return the account of an image in a region, raising ValueError where it is not kept."""
    if region not in image.accounts:
        raise ValueError(
            f"region must be one that AWS keeps the image {image.repository} in, got {region!r}"
        )
    return image.accounts[region]


_DNS_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        "cn-": "amazonaws.com.cn",
        "eu-isoe-": "cloud.adc-e.uk",
        "eusc-": "amazonaws.eu",
        "us-iso-": "c2s.ic.gov",
        "us-isob-": "sc2s.sgov.gov",
        "us-isof-": "csp.hci.ic.gov",
    }
)


def dns_suffix(region: str) -> str:
    """Return the domain that AWS's services have in the region's partition."""
    for prefix, suffix in _DNS_SUFFIXES.items():
        if region.startswith(prefix):
            return suffix
    return "amazonaws.com"


def image_uri(image: Image, *, account: str, region: str, suffix: str) -> str:
    """Return an image's URI; account, region and suffix may be CDK tokens."""
    return f"{account}.dkr.ecr.{region}.{suffix}/{image.reference}"
