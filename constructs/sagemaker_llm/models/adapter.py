"""LoRA adapters: small tuned weights that a server adds to a model's own, request by request."""

from dataclasses import dataclass
from typing import Annotated

from allowed_values.rules import Pattern, Range

from .checked import Checked

# A model, as clients name it; of a base model it ends the name of the registry's group, which has
# 63 characters in all, and of an adapter it begins that of an inference component.
MODEL_ID = Pattern(
    r"[a-z0-9](-?[a-z0-9]){0,29}",
    "at most 30 lower-case letters and digits, with single hyphens between them",
)

# Of JumpStart's buckets no account owns any.
_ARTIFACT = Pattern(
    r"s3://(?!jumpstart-)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9/_.=-]{1,900}\.tar\.gz",
    "the s3:// address of a .tar.gz archive in a bucket of the account, without wildcards",
)


@dataclass(frozen=True, kw_only=True)
class Adapter(Checked):
    """One adapter: its name, which requests give as `model`, and where its archive is.

    The archive has PEFT's `adapter_config.json` and `adapter_model.safetensors` at its root.
    Another version needs another address: an archive must not change::

        Adapter(name="support", artifact="s3://mine/support/2.tar.gz", rank=16)
    """

    name: Annotated[str, MODEL_ID]
    artifact: Annotated[str, _ARTIFACT]
    # `r` of its `adapter_config.json`, by which the server reserves memory.
    rank: Annotated[int, Range(at_least=1, at_most=512)]

    @property
    def object_path(self) -> str:
        """The bucket and key, as an ARN of S3 has them."""
        return self.artifact.removeprefix("s3://")
