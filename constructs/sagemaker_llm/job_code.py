"""The job scripts as SageMaker takes them: an archive to train from, and a zip that Python runs."""

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_s3_assets as s3_assets
from constructs import Construct

_SOURCES = Path(__file__).parents[2] / "jobs"
_LEFT_OUT = ("__pycache__", ".*", "requirements*")


class JobCode(Construct):
    """Owns both assets: `zip` is for processing jobs, `archive` for training jobs."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.zip = s3_assets.Asset(
            self,
            "Zip",
            path=str(_SOURCES),
            exclude=[pattern for name in _LEFT_OUT for pattern in (name, f"**/{name}")],
            ignore_mode=cdk.IgnoreMode.GLOB,
        )
        content = _tar()
        # The asset is copied while it is constructed. Its identity is the content: the compressed
        # bytes depend on the machine's zlib.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sourcedir.tar.gz"
            path.write_bytes(gzip.compress(content, mtime=0))
            self.archive = s3_assets.Asset(
                self,
                "Archive",
                path=str(path),
                asset_hash=hashlib.sha256(content).hexdigest(),
                asset_hash_type=cdk.AssetHashType.CUSTOM,
            )

    @property
    def zip_name(self) -> str:
        """The name that the zip has where a job finds it."""
        return self.zip.s3_object_key.rpartition("/")[2]


def read_statements(asset: s3_assets.Asset) -> list[iam.PolicyStatement]:
    """Return what a job's role needs to fetch one of the assets, and nothing else beside it."""
    return [
        iam.PolicyStatement(
            actions=["s3:GetObject"],
            resources=[asset.bucket.arn_for_objects(asset.s3_object_key)],
        ),
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[asset.bucket.bucket_arn],
            conditions={"StringEquals": {"s3:prefix": asset.s3_object_key}},
        ),
    ]


def _tar() -> bytes:
    """Return the scripts as a tar that depends on nothing but their paths and content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(_SOURCES.rglob("*")):
            name = path.relative_to(_SOURCES)
            if path.is_file() and not any(
                Path(part).match(p) for part in name.parts for p in _LEFT_OUT
            ):
                entry = tarfile.TarInfo(name.as_posix())
                content = path.read_bytes()
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
