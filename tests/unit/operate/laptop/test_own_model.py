"""A person's own model: what is refused before anything starts, and how the app is told of it."""

from pathlib import Path

import psutil
import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from embedded_aws.host import control
from operate.gguf_file.fitness import open_file
from operate.laptop import own_model
from sagemaker_llm import FileWeights

_CONTEXT = 4096


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control, "running_pid", lambda: None)
    monkeypatch.setattr(own_model, "_LINKS", tmp_path / "models")
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: 16 if logical else 8)


def test_packaged_model_is_served_without_a_file() -> None:
    assert own_model.choose(None, None) is None
    with pytest.raises(SystemExit, match="give MODEL with ENTRY: the file to serve as mistral-7b"):
        own_model.choose(None, "mistral-7b")


def test_file_is_linked_and_served_as_the_entry(tiny: Path) -> None:
    own = own_model.choose(tiny, "mistral-7b-instruct")
    assert own is not None
    assert not own.link.is_symlink()  # Another `make up`, which runs still, would forget it.
    own.make_link()
    own.make_link()
    assert own.link.resolve() == tiny
    assert not own.is_base
    # As its own context is shorter than the entry's.
    assert own.entry.limits.max_total_tokens == _CONTEXT
    assert own.entry.limits.max_input_length == _CONTEXT - 1
    assert own.entry.weights == FileWeights(path=str(own.link))
    environment = own.entry.container_environment
    assert environment["SM_LLAMA_CPP_MODEL"] == str(own.link)
    assert environment["SM_LLAMA_CPP_THREADS"] == "7"
    assert own.variables == {
        "LOCAL_MODEL": str(own.link),
        "LOCAL_ENTRY": "mistral-7b-instruct",
        "LOCAL_WINDOW": str(_CONTEXT),
        "LOCAL_THREADS": "7",
    }


def test_changed_file_is_another_model(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.gguf").write_bytes(tiny.read_bytes())
    first = own_model.choose(tmp_path / "copy.gguf", None)
    (tmp_path / "copy.gguf").write_bytes(tiny.read_bytes() + b"\0")
    second = own_model.choose(tmp_path / "copy.gguf", "mistral-7b")
    assert first is not None
    assert second is not None
    assert first.link != second.link
    assert second.is_base


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("mistral-8b", "as mistral-8b: model_id must be one of mistral-7b, .* got 'mistral-8b'"),
        ("smollm2-135m-instruct", "its vocabulary must be of llama.cpp's kind 'gpt2'"),
        ("mistrallite", "its vocabulary must have 32003 tokens, got 32000"),
    ],
)
def test_file_is_refused_as_another_model(tiny: Path, entry: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        own_model.choose(tiny, entry)


def test_file_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    said = r"absent\.gguf cannot be served as mistral-7b-instruct: there is no such file"
    with pytest.raises(SystemExit, match=said):
        own_model.choose(tmp_path / "absent.gguf", None)


def test_model_that_does_not_fit_is_refused_unless_it_is_in_memory_already(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = psutil.virtual_memory()._replace(available=10)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(SystemExit, match=r"for 8192 tokens.*close other programs"):
        own_model.choose(tiny, None)
    link = own_model._link_name(open_file(tiny))
    monkeypatch.setattr(own_model, "_opened", lambda: {str(link)})
    assert own_model.choose(tiny, None)


def test_link_goes_when_no_model_names_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_model.choose(tiny, None)
    assert own is not None
    own.make_link()
    own_model.forget_unused()  # Nothing runs that could say so.
    assert own.link.is_symlink()

    monkeypatch.setattr(control, "running_pid", lambda: 1)
    monkeypatch.setattr(own_model, "_opened", lambda: {str(own.link)})
    own_model.forget_unused()
    assert own.link.is_symlink()
    monkeypatch.setattr(own_model, "_opened", set)
    own_model.forget_unused()
    assert not own.link.is_symlink()
    assert tiny.exists()
