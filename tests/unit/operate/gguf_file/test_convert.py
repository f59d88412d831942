"""`make gguf`: what a person is told when there is no file."""

from pathlib import Path

import pytest

from operate.gguf_file.convert import gguf


def test_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "tuned.gguf"
    with pytest.raises(SystemExit, match=r"cannot be written as a GGUF file: .* must hold config"):
        gguf(source=tmp_path, target=target, kind="Q8_0")
    with pytest.raises(SystemExit, match="give the checkpoint's folder and the new file: FROM="):
        gguf(source=tmp_path, target=None, kind="Q8_0")
    target.write_bytes(b"")
    with pytest.raises(SystemExit, match=r"TO must name a new file: .*tuned\.gguf exists"):
        gguf(source=tmp_path, target=target, kind="Q8_0")
