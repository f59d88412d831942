"""The function assets: synth says how to build them, and does not."""

from pathlib import Path

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import FunctionTarget
from sagemaker_llm.common import function_assets, sources


def test_missing_asset_is_refused_with_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BUILT", tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"'python lambda/build_functions\.py', missing .*aws"
    ):
        function_assets.function_code("invoke_proxy", FunctionTarget.AWS)


def test_half_built_asset_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BUILT", tmp_path)
    (tmp_path / "invoke_proxy" / "aws").mkdir(parents=True)  # the build writes its digest last
    with pytest.raises(FileNotFoundError, match="build the function assets"):
        function_assets.function_code("invoke_proxy", FunctionTarget.AWS)
