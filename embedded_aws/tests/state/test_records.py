"""Records of a server that other servers go on with."""

import json
from collections.abc import Iterator

import pytest
from ministack import app as ministack
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import sqs

from embedded_aws.state import records

_HERE = f"http://localhost:{sqs.DEFAULT_PORT}/111122223333/"


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ministack, "load_state", ministack.load_state)
    yield
    sqs.reset()


@pytest.mark.parametrize("before", ["http://localhost:1/111122223333/", _HERE])
def test_queues_are_found_by_a_server_on_another_port(before: str) -> None:
    queues = AccountRegionScopedDict()
    for name in ("first", "second"):
        attributes = {"QueueArn": f"arn:aws:sqs:eu-west-1:111122223333:{name}"}
        queue = {"name": name, "url": before + name, "attributes": attributes}
        queues._data["111122223333", "eu-west-1", before + name] = queue
    text = json.dumps({"queues": queues}, default=persistence._json_default)

    records.restore_from({"sqs": text})
    sqs.load_persisted_state(ministack.load_state("sqs"))

    for name in ("first", "second"):
        found = sqs._queues.get_scoped("111122223333", "eu-west-1", _HERE + name)
        assert found["url"] == _HERE + name
        assert sqs._queue_by_arn(found["attributes"]["QueueArn"]) is found
    assert len(sqs._queues._data) == 2
