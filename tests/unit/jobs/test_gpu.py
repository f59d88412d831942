"""A job that cannot use its GPUs says so, and the image's script runs before it."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import gpu
from container import JobError

DRIVER = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May 2\n"


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one GPU, as a job sees it through its device files."""
    (tmp_path / "driver").write_text(DRIVER)
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(gpu, "_DEVICES", tmp_path)
    monkeypatch.setattr(gpu, "_DRIVER", tmp_path / "driver")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def _torch(monkeypatch: pytest.MonkeyPatch, usable: int, cuda: str | None = "12.9") -> None:
    double = SimpleNamespace(
        version=SimpleNamespace(cuda=cuda),
        cuda=SimpleNamespace(is_available=lambda: usable > 0, device_count=lambda: usable),
    )
    monkeypatch.setitem(sys.modules, "torch", double)


def test_gpu_that_cuda_cannot_use_fails_the_job_with_the_drivers_version(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _torch(monkeypatch, 0)
    with pytest.raises(JobError, match=r"all 1 GPUs .* can use 0; the driver is 470\.256\.02"):
        gpu.check_gpus()
    _torch(monkeypatch, 1)
    gpu.check_gpus()
    (machine / "driver").unlink()
    _torch(monkeypatch, 0)
    with pytest.raises(JobError, match="there is no NVIDIA driver"):
        gpu.check_gpus()


@pytest.mark.usefixtures("machine")
def test_torch_without_cuda_may_use_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    _torch(monkeypatch, 0, cuda=None)
    gpu.check_gpus()


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ('{"current_instance_type": "ml.g5.12xlarge"}', ("current_instance_type",)),
        (
            '{"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.g5.12xlarge"}}}',
            ("ProcessingResources", "ClusterConfig", "InstanceType"),
        ),
    ],
)
def test_instance_type_promises_its_gpus(
    machine: Path, monkeypatch: pytest.MonkeyPatch, content: str, keys: tuple[str, ...]
) -> None:
    (machine / "config.json").write_text(content)
    monkeypatch.setattr(gpu, "_CONFIGURATIONS", {str(machine / "config.json"): keys})
    for name in ("TRAINING_ROOT", "PROCESSING_ROOT"):
        monkeypatch.delenv(name, raising=False)
    _torch(monkeypatch, 1)
    with pytest.raises(JobError, match="all 4 GPUs of the instance, it can use 1"):
        gpu.check_gpus()
    monkeypatch.setenv("TRAINING_ROOT", "/somewhere")  # a laptop has the name and not the GPUs
    gpu.check_gpus()


def test_the_images_script_runs_first_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    script = tmp_path / "compat.sh"
    monkeypatch.setattr(gpu, "_COMPATIBILITY", script)
    monkeypatch.setattr(os, "execvp", lambda _, command: started.append(command))
    monkeypatch.setattr(sys, "argv", ["code.zip", "evaluate", "--x", "$(touch ran)"])
    monkeypatch.delenv("CUDA_COMPATIBILITY_DONE", raising=False)
    gpu.use_compatibility_libraries()
    assert started == []
    script.touch()
    gpu.use_compatibility_libraries()
    gpu.use_compatibility_libraries()
    monkeypatch.delenv("CUDA_COMPATIBILITY_DONE")
    (command,) = started
    source, path, python, code, *words = command[2:]
    assert source == 'source "$0" || true; exec "$@"'
    assert (path, python, code) == (str(script), sys.executable, "code.zip")
    assert words == ["evaluate", "--x", "$(touch ran)"]
