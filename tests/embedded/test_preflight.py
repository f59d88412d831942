"""`make preflight` against the embedded AWS: of the deployed stage, and of a new account."""

import shlex
from typing import Any

import pytest

from embedded_aws.tests.account import Account, until
from operate.preflight.row import Row, Verdict
from tests.embedded.conftest import LocalStage


@pytest.mark.usefixtures("deployed")
def test_every_row_of_the_deployed_stage_is_ok(embedded_aws: LocalStage) -> None:
    ended = embedded_aws.try_verb("preflight")
    rows = [line for line in ended.stdout.splitlines() if not line.startswith(" ")]
    assert [row for row in rows if not row.startswith("OK ")] == []
    assert len(rows) > 15
    assert (ended.returncode, ended.stderr) == (0, "")


def test_new_account_is_ready_when_what_the_rows_say_is_done(own_account: Account) -> None:
    account = own_account  # Quotas that are granted stay granted.
    with account.circumstances(account="new"):
        rows = _rows(account)
        short = [row for subject, row in rows.items() if subject.startswith("quota ")]
        assert [row.verdict for row in short] == [Verdict.FAIL] * 4
        assert rows["CDK bootstrap"].todo.startswith("make bootstrap ENV=prod")
        for row in short:
            _run(account, row.todo)
        rows = _rows(account)
        assert {row.found for subject, row in rows.items() if "endpoint usage" in subject} == {
            "need 7 (local 2 + prod 5), have 7"
        }
        assert {rows[row.subject].verdict for row in short} == {Verdict.OK}


def test_stack_that_takes_no_update_is_in_the_way(account: Account) -> None:
    cloudformation = account.aws.client("cloudformation")
    broken = '{"Resources": {"Broken": {"Type": "AWS::SageMaker::Endpoint", "Properties": {}}}}'
    cloudformation.create_stack(StackName="Prod-Serving", TemplateBody=broken)
    until(lambda: _rows(account)["stack Prod-Serving"].found == "ROLLBACK_COMPLETE")
    row = _rows(account)["stack Prod-Serving"]
    assert row.verdict is Verdict.FAIL
    _run(account, row.todo.partition(":")[0])
    until(lambda: _rows(account)["stack Prod-Serving"].found == "not deployed yet")


def _rows(account: Account) -> dict[str, Row]:
    # They read the CDK app, which takes seconds: not in each process that collects this test.
    from operate.preflight.declaration import plan_of  # noqa: PLC0415 - as said
    from operate.preflight.preflight import rows_of  # noqa: PLC0415 - likewise

    plan = plan_of("prod", "000000000000", "us-east-1")
    return {row.subject: row for row in rows_of(plan, account.aws.client)}


def _run(account: Account, command: str) -> None:
    """Run a command of the AWS CLI, by the rule that its words are those of the API."""
    program, service, operation, *options = shlex.split(command)
    assert program == "aws"
    values: dict[str, Any] = dict(zip(options[::2], options[1::2], strict=True))
    values.pop("--region", None)
    client = account.aws.client(service)
    names = {name.removeprefix("--").title().replace("-", ""): v for name, v in values.items()}
    if "DesiredValue" in names:
        names["DesiredValue"] = float(names["DesiredValue"])
    getattr(client, operation.replace("-", "_"))(**names)
