"""The circumstances: a mistake in the file is named, where it is and what it is."""

from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.core import circumstances
from embedded_aws.host.processes import free_port
from embedded_aws.tests.account import Account
from embedded_aws.tests.process import EmbeddedAws


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"acount": "new"}', "unknown field `acount`"),
        ('{"account": "old"}', r"Invalid enum value 'old' - at `\$.account`"),
        ("{", "truncated"),
    ],
)
def test_a_mistake_is_named_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, fault: str
) -> None:
    monkeypatch.setattr(circumstances, "FILE", tmp_path / "circumstances.json")
    circumstances.FILE.write_text(content)
    with pytest.raises(circumstances.CircumstancesError, match=f"circumstances.json: .*{fault}"):
        circumstances.current()


def test_a_call_fails_with_the_mistake(account: Account) -> None:
    client = account.aws.client("service-quotas", config=Config(retries={"total_max_attempts": 1}))
    with (
        account.circumstances(account="old"),
        pytest.raises(ClientError, match="Invalid enum value 'old'"),
    ):
        client.list_service_quotas(ServiceCode="lambda")


def test_the_embedded_aws_does_not_start_with_a_mistake(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    aws = EmbeddedAws(free_port(), tmp_path_factory.mktemp("aws"))
    (aws.home / "circumstances.json").write_text('{"account": 1}')
    ended = aws.try_verb("start")
    assert ended.returncode == 1
    assert "correct" in ended.stderr
