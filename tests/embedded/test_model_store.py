"""The store function against S3: what it keeps of a candidate, and what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from embedded_aws.tests.account import BUCKET, Account
from model_release import store
from model_release.candidates import file_content
from model_release.candidates.candidate import StoreError, check_candidate
from model_release.inventory import digest

_MIB = 2**20
_HEADER = json.dumps({"w": {"dtype": "U8", "shape": [6], "data_offsets": [0, 6]}}).encode()
_WEIGHTS = len(_HEADER).to_bytes(8, "little") + _HEADER + b"abcdef"
_GGUF = b"GGUF" + (3).to_bytes(4, "little") + bytes(24)  # of no tensors
_TEXTS = {
    "config.json": b'{"architectures": ["MistralForCausalLM"]}',
    "tokenizer.json": b"{}",
    "LICENSE": b"Apache",
}
_MODEL = {
    **_TEXTS,
    "model.safetensors": _WEIGHTS,
    "adapter/adapter_model.safetensors": _WEIGHTS,
    "adapter/adapter_config.json": b'{"peft_type": "LORA"}',
}

Files = dict[str, bytes]
Put = Callable[[Files], str]


@pytest.fixture(autouse=True)
def _bucket(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.ModelStore(account.s3, BUCKET)
    monkeypatch.setattr(store, "_store", lambda: kept)


@pytest.fixture(name="put")
def _put(account: Account) -> Put:
    """Lay files down as a training job does; returns the candidate's URI."""
    job = account.name("job")

    def put(files: Files) -> str:
        for name, content in files.items():
            account.put(f"candidates/{job}/output/model/{name}", content)
        return f"s3://{BUCKET}/candidates/{job}/output/model/"

    return put


def _store(uri: str) -> dict[str, str]:
    return store.handle({"candidate": uri}, None)


def _key(uri: str) -> str:
    return uri.removeprefix(f"s3://{BUCKET}/")


def test_model_is_copied_with_an_inventory_of_the_copies(account: Account, put: Put) -> None:
    candidate = put(_MODEL)
    kept = _store(candidate)
    job = candidate.split("/")[4]
    assert kept["model_uri"] == f"s3://{BUCKET}/models/{job}/"
    assert kept["inventory"] == f"s3://{BUCKET}/inventories/{job}.json"
    inventory = account.get(_key(kept["inventory"]))
    assert kept["inventory_sha256"] == digest(inventory.encode())
    files = json.loads(inventory)["files"]
    assert [file["name"] for file in files] == sorted(_MODEL)
    for file in files:
        key = _key(kept["model_uri"]) + file["name"]
        head = account.s3.head_object(Bucket=BUCKET, Key=key)
        assert (file["size"], file["etag"]) == (head["ContentLength"], head["ETag"].strip('"'))
        assert account.get(key).encode() == _MODEL[file["name"]]


def test_large_weights_are_copied_in_parts(account: Account, put: Put) -> None:
    parts = TransferConfig(multipart_threshold=5 * _MIB, multipart_chunksize=5 * _MIB)
    large = store.ModelStore(account.s3, BUCKET, parts)
    header = json.dumps({"w": {"data_offsets": [0, 11 * _MIB]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(11 * _MIB)
    kept = large.keep(put({**_MODEL, "model.safetensors": content}))
    assert large.keep(kept_candidate(kept)) == kept
    found = account.s3.head_object(Bucket=BUCKET, Key=f"{_key(kept['model_uri'])}model.safetensors")
    assert found["ETag"].endswith('-3"')
    assert found["ContentLength"] == len(content)


def kept_candidate(kept: dict[str, str]) -> str:
    """Return the URI of the candidate that a model was kept from."""
    return kept["model_uri"].replace("/models/", "/candidates/") + "output/model/"


def test_same_candidate_is_kept_once(account: Account, put: Put) -> None:
    candidate = put(_MODEL)
    first = _store(candidate)
    key = f"{_key(first['model_uri'])}config.json"
    written = account.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    assert _store(candidate) == first
    assert account.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] == written


def test_store_that_was_cut_off_is_finished_by_the_next(account: Account, put: Put) -> None:
    candidate = put(_MODEL)
    kept = _store(candidate)
    account.s3.delete_object(Bucket=BUCKET, Key=_key(kept["inventory"]))
    account.s3.delete_object(Bucket=BUCKET, Key=f"{_key(kept['model_uri'])}config.json")
    assert _store(candidate)["model_uri"] == kept["model_uri"]


def test_candidate_that_changed_after_it_was_kept_is_refused(put: Put) -> None:
    _store(put(_MODEL))
    changed = put({"tokenizer.json": b'{"added_tokens": []}'})
    with pytest.raises(StoreError, match=r"is not this candidate as inventories/.+ says"):
        _store(changed)


def test_model_that_changed_after_it_was_kept_is_refused(account: Account, put: Put) -> None:
    candidate = put(_MODEL)
    kept = _store(candidate)
    account.put(f"{_key(kept['model_uri'])}extra.json", "{}")
    with pytest.raises(StoreError, match="is not this candidate as"):
        _store(candidate)


def test_files_of_another_candidate_are_not_taken_into_the_inventory(
    account: Account, put: Put
) -> None:
    candidate = put(_MODEL)
    account.put(f"models/{candidate.split('/')[4]}/model-00002-of-00002.safetensors", _WEIGHTS)
    with pytest.raises(StoreError, match="holds files of another candidate"):
        _store(candidate)


def test_content_that_changes_after_it_was_checked_is_not_copied(
    account: Account, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = put(_MODEL)

    def check_then_change(s3: Any, checked: Any, files: Any) -> None:
        check_candidate(s3, checked, files)
        for file in files:
            account.put(f"{_key(candidate)}{file.name}", b"changed")

    monkeypatch.setattr(store, "check_candidate", check_then_change)
    with pytest.raises(StoreError, match="cannot be copied"):
        _store(candidate)
    assert account.keys(f"models/{candidate.split('/')[4]}/") == []


def test_model_of_one_gguf_file_is_kept(account: Account, put: Put) -> None:
    kept = _store(put({**_TEXTS, "model.gguf": _GGUF}))
    assert "model.gguf" in account.keys(_key(kept["model_uri"]))


@pytest.mark.parametrize(
    "more", [{"model.safetensors": _WEIGHTS}, {"a.gguf": _GGUF}], ids=["both kinds", "two files"]
)
def test_model_of_which_a_server_would_choose_a_part_is_refused(put: Put, more: Files) -> None:
    with pytest.raises(StoreError, match=r"config\.json, and safetensors or one GGUF file, got"):
        _store(put({**_TEXTS, "model.gguf": _GGUF, **more}))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pytorch_model.bin": b"\x80"}, "pytorch_model.bin: a model must hold safetensors"),
        ({"modeling.py": b"import os"}, "modeling.py: a model must hold safetensors"),
        ({"model.tar.gz": b""}, "model.tar.gz: a model must hold safetensors"),
        ({"model.safetensors": b"\x80\x04K\x01."}, "model.safetensors: begins with no safetensors"),
        ({"model.safetensors": b""}, "model.safetensors: begins with no safetensors"),
        ({"model.safetensors": _WEIGHTS + b"x"}, "model.safetensors: holds more, or less"),
        ({"config.json": b'{"auto_map": {}}'}, "config.json: must not have auto_map"),
        ({"tokenizer_config.json": b'{"auto_map": {}}'}, "must not have auto_map"),
        ({"adapter/adapter_config.json": b"["}, "adapter/adapter_config.json: must be JSON"),
    ],
)
def test_candidate_that_could_run_code_is_refused_and_nothing_is_kept(
    account: Account, put: Put, files: Files, said: str
) -> None:
    candidate = put({**_MODEL, **files})
    with pytest.raises(StoreError, match=said):
        _store(candidate)
    assert account.keys(f"models/{candidate.split('/')[4]}/") == []


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_candidate_without_weights_or_settings_is_refused(put: Put, name: str) -> None:
    left = {n: content for n, content in _MODEL.items() if n != name}
    with pytest.raises(StoreError, match=r"must hold config\.json, and safetensors or"):
        _store(put(left))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other/candidates/job/output/model/",
        f"s3://{BUCKET}/candidates/../models/output/model/",
        f"s3://{BUCKET}/candidates/a/b/output/model/",
        f"s3://{BUCKET}/prepared/job/output/model/",
        f"s3://{BUCKET}/candidates/job/output/model",
    ],
)
def test_candidate_elsewhere_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="a candidate must be s3://"):
        _store(uri)


def test_candidate_that_is_not_there_is_refused() -> None:
    with pytest.raises(StoreError, match="no file lies under candidates/nobody"):
        _store(f"s3://{BUCKET}/candidates/nobody/output/model/")


def test_text_of_gigabytes_is_refused(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "MAX_TEXT_BYTES", 5)
    with pytest.raises(StoreError, match=r"must have 5 bytes at most, got \d+"):
        _store(put(_MODEL))


@pytest.mark.parametrize(("limit", "value"), [("_MAX_BYTES", 100), ("_MAX_FILES", 3)])
def test_candidate_beyond_all_measure_is_refused(
    put: Put, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(f"model_release.candidates.candidate.{limit}", value)
    with pytest.raises(StoreError, match="bytes at most, got 6 files and"):
        _store(put(_MODEL))
