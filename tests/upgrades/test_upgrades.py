"""Upgrades under load: no call fails and no stream is cut, whatever is deployed."""

from dataclasses import replace

import pytest

from tests.embedded.conftest import ROOT
from tests.upgrades.conftest import Stage
from tests.upgrades.load import is_refused

_SERVING, _API = "Local/Serving", "Local/Api"
_BOTH = (_SERVING, _API)


def test_todays_release_over_the_last_one(stage: Stage) -> None:
    policies = ROOT / "bootstrap" / "local.json"
    stage.during("what deployments may do", lambda: stage.bootstrap(policies))
    stage.go("today's release over the last one", "release")


@pytest.mark.parametrize(
    ("change", "step", "stacks"),
    [
        ("limits, of the model and of clients", "limits", _BOTH),
        ("the proxy alone: code, environment", "proxy", (_API,)),
        ("the model", "model", _BOTH),
        ("the model, with another name", "renamed-model", _BOTH),
    ],
)
def test_a_change(stage: Stage, change: str, step: str, stacks: tuple[str, ...]) -> None:
    stage.go(change, step, *stacks)


def test_another_server(stage: Stage) -> None:
    stage.go("TGI's words and vLLM's", "both-servers", *_BOTH)
    stage.go_bootstrapped("vLLM in the place of TGI", "vllm", *_BOTH)
    stage.go("vLLM's words alone", "vllm-alone", *_BOTH)


def test_two_instances_and_the_server_before(stage: Stage) -> None:
    stage.go("a minimum of two instances", "two-instances", *_BOTH)
    stage.wait_for_instances(2)
    stage.go("two at first, the model: rolling", "rolling", *_BOTH)
    stage.go("vLLM's words and TGI's", "both-servers-again", *_BOTH)
    stage.go_bootstrapped("TGI in the place of vLLM: rolling", "tgi", *_BOTH)
    stage.go("TGI's words alone", "tgi-alone", *_BOTH)
    stage.go("two instances to one", "one-instance", *_BOTH)
    stage.wait_for_instances(1)


def test_a_keys_rotation(stage: Stage) -> None:
    old = stage.load.deployment
    stage.go("a second key", "key-added", _API)
    key = stage.aws.run("key", "--client=Next").stdout.strip()
    assert key != old.api_key
    stage.load.deployment = replace(old, api_key=key)
    stage.load.settle()  # nobody uses the first one any more
    stage.go("the first key's end", "key-removed", _API)
    assert is_refused(old)
