"""Weights on their way into the account's bucket: from a folder, and from a hub on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.tests.account import BUCKET, Account
from operate.environment import Environment
from operate.weights.staging import stage_weights
from tests.embedded.conftest import ROOT

_REVISION, _REPOSITORY = "0123456789abcdef" * 2 + "01234567", "owner/Lite"
_PREFIX = f"base-models/lite/{_REVISION}/"
_INVENTORY = f"inventories/base-models/lite/{_REVISION}.json"
_MODEL = {
    "config.json": b'{"architectures": ["MistralForCausalLM"]}',
    "model.safetensors": b"w" * 100_000,
    "tokenizer.model": b"t",
}
_OTHERS = {"pytorch_model.bin": b"\x80", "modeling.py": b"import os"}

Files = dict[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def stack(account: Account) -> Iterator[None]:
    """A stack with the outputs of the one that keeps weights."""
    values = {
        "WeightsBucketName": BUCKET,
        "WeightsPrefix": _PREFIX,
        "WeightsRepository": _REPOSITORY,
        "WeightsRevision": _REVISION,
    }
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in values.items()},
    }
    stacks = account.aws.client("cloudformation")
    stacks.create_stack(StackName="Dev-Weights", TemplateBody=json.dumps(template))
    _wait(stacks, "stack_create_complete")  # of this one: other tests leave stacks of their own
    yield
    stacks.delete_stack(StackName="Dev-Weights")
    _wait(stacks, "stack_delete_complete")


@pytest.fixture(autouse=True)
def empty_prefix(account: Account) -> Iterator[None]:
    """Take away what a test staged."""
    yield
    for key in (*(_PREFIX + name for name in account.keys(_PREFIX)), _INVENTORY):
        account.s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.fixture(scope="module")
def dev(account: Account) -> Environment:
    """The environment that the stack belongs to."""
    return Environment("dev", client=cache(account.aws.client))


@pytest.fixture(scope="module")
def variables(account: Account) -> dict[str, str]:
    """The variables of a shell that is pointed at the account."""
    return account.aws.exported()


def _wait(stacks: Any, what: str) -> None:
    config = {"Delay": 1, "MaxAttempts": 300}
    stacks.get_waiter(what).wait(StackName="Dev-Weights", WaiterConfig=config)


def _folder(path: Path, files: Files) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the verb: the hub's client reads its environment when it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "operate", "stage-weights", "dev", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _inventory(account: Account) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(account.get(_INVENTORY))
    return document


def test_folder_is_staged_without_what_could_run_code(
    account: Account, variables: dict[str, str], tmp_path: Path
) -> None:
    folder = _folder(tmp_path / "lite", {**_MODEL, **_OTHERS})
    staged = _run("--from", str(folder), **variables)
    assert staged.returncode == 0, staged.stderr
    assert account.keys(_PREFIX) == sorted(_MODEL)
    assert "left out: modeling.py, pytorch_model.bin" in staged.stdout
    assert "model.safetensors: 100 %" in staged.stdout
    assert _inventory(account) == {
        "origin": {"path": "lite"},
        "files": [
            {"name": n, "size": len(c), "sha256": hashlib.sha256(c).hexdigest()}
            for n, c in sorted(_MODEL.items())
        ],
    }


def test_what_is_there_is_not_sent_again_and_what_changed_is(
    account: Account, dev: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(tmp_path / "lite", _MODEL)
    stage_weights(dev, folder)
    assert "already staged" not in capsys.readouterr().out
    account.put(f"{_PREFIX}config.json", "{}")  # what another staged, or half of a file
    stage_weights(dev, folder)
    assert "model.safetensors: already staged" in capsys.readouterr().out
    assert account.get(f"{_PREFIX}config.json").encode() == _MODEL["config.json"]


def test_file_of_another_model_is_not_left_beside_the_weights(
    account: Account, dev: Environment, tmp_path: Path
) -> None:
    account.put(f"{_PREFIX}model-00002-of-00002.safetensors", "w")
    refusal = "does not belong to the model first: model-00002-of-00002.safetensors"
    with pytest.raises(SystemExit, match=refusal):
        stage_weights(dev, _folder(tmp_path / "lite", _MODEL))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b""}, "must hold config.json and safetensors"),
        ({**_MODEL, "config.json": b'{"auto_map": {}}'}, "config.json must not have auto_map"),
        ({**_MODEL, "config.json": b"7"}, "config.json must be a JSON object, .* got a int"),
        ({**_MODEL, "config.json": b"\xff"}, "config.json must be JSON, as the model's maker"),
    ],
)
def test_folder_that_is_no_model_of_plain_weights_is_refused(
    account: Account, dev: Environment, tmp_path: Path, files: Files, said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        stage_weights(dev, _folder(tmp_path / "lite", files))
    assert account.keys(_PREFIX) == []


class _Hub(BaseHTTPRequestHandler):
    """What the hub's client asks of a model's repository at one commit."""

    files: Files
    changed: Files

    def do_HEAD(self) -> None:
        self._file(with_body=False)

    def do_GET(self) -> None:
        if self.path.startswith(f"/api/models/{_REPOSITORY}/revision/{_REVISION}"):
            listed = [self._entry(name, content) for name, content in self.files.items()]
            answer = {"id": _REPOSITORY, "sha": _REVISION, "siblings": listed}
            self._answer(json.dumps(answer).encode(), {"Content-Type": "application/json"})
        else:
            self._file(with_body=True)

    def _entry(self, name: str, content: bytes) -> dict[str, Any]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's
        entry = {"rfilename": name, "size": len(content), "blobId": blob}
        if name.endswith(".safetensors"):
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 130}
        return entry

    def _file(self, *, with_body: bool) -> None:
        content = {**self.files, **self.changed}[self.path.rpartition("/")[2]]
        digest = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": _REVISION}
        self._answer(content, headers, with_body=with_body)

    def _answer(self, body: bytes, headers: dict[str, str], *, with_body: bool = True) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(name="hub")
def _hub(tmp_path: Path, variables: dict[str, str]) -> Iterator[dict[str, str]]:
    """The variables of a shell for which the hub is a server of this test."""
    _Hub.files, _Hub.changed = {**_MODEL, **_OTHERS}, {}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        hub = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path / "hf")}
        yield {**variables, **hub}
        server.shutdown()


def test_commit_of_the_hub_is_staged_as_the_hub_describes_it(
    account: Account, hub: dict[str, str]
) -> None:
    staged = _run(**hub)
    assert staged.returncode == 0, staged.stderr
    assert account.keys(_PREFIX) == sorted(_MODEL)
    assert account.get(f"{_PREFIX}model.safetensors").encode() == _MODEL["model.safetensors"]
    origin = {"repository": _REPOSITORY, "revision": _REVISION}
    assert _inventory(account)["origin"] == origin


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.model"])
def test_download_that_is_not_the_commits_is_refused(
    account: Account, hub: dict[str, str], name: str
) -> None:
    _Hub.changed = {name: b"x" * len(_MODEL[name])}
    refused = _run(**hub)
    assert f"{name} is not the commit's" in refused.stderr
    assert account.keys(_PREFIX) == []


def test_commit_that_the_hub_has_not_is_refused(hub: dict[str, str]) -> None:
    refused = _run(**{**hub, "HF_ENDPOINT": "http://127.0.0.1:9"})
    assert f"{_REPOSITORY} at {_REVISION} cannot be fetched" in refused.stderr
