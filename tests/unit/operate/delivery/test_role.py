"""The role of CI: which stack it comes with, and how a job finds it."""

import pytest

from operate.delivery.role import deploy_role, place
from tests.unit.operate.doubles import environment


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_ACCOUNT", "111111111111")
    monkeypatch.setenv("DEV_REGION", "eu-west-1")


@pytest.mark.usefixtures("placed")
def test_the_stack_of_the_account_is_deployed() -> None:
    ran: list[tuple[str, ...]] = []
    deploy_role(environment("dev"), lambda *words: ran.append(words))
    app = ("--app", "python delivery.py", "--build", "")
    # Nobody can be asked here: the CLI would fail, and leave a protected stack behind.
    assert ran == [("deploy", "Delivery-111111111111", *app, "--require-approval", "never")]


def test_an_environment_that_no_workflow_deploys_gets_no_role() -> None:
    with pytest.raises(SystemExit, match="deploy dev, staging, prod, and not cpu"):
        deploy_role(environment("cpu"), lambda *_words: None)


@pytest.mark.usefixtures("placed")
def test_a_job_is_told_where_and_as_whom_it_signs_in(capsys: pytest.CaptureFixture[str]) -> None:
    place(environment("dev"))
    assert dict(line.split("=") for line in capsys.readouterr().out.splitlines()) == {
        "region": "eu-west-1",
        "role": "arn:aws:iam::111111111111:role/Dev-Delivery",
        "nightly": "arn:aws:iam::111111111111:role/Dev-Nightly",
        "reader": "arn:aws:iam::111111111111:role/cdk-llmdev-lookup-role-111111111111-eu-west-1",
    }


def test_an_environment_that_is_nowhere_is_named() -> None:
    with pytest.raises(SystemExit, match=r"account and region of dev into accounts\.toml first"):
        place(environment("dev"))
