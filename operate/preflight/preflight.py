"""The verb: each row asked by itself, the table, and the exit code."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from operate.declared import policy_files
from operate.environment import Client, Environment
from operate.preflight import artifacts, clashes, identity, prices, quotas, shared
from operate.preflight.declaration import plan_of
from operate.preflight.plan import Plan
from operate.preflight.row import Row, Verdict

Clients: TypeAlias = Callable[[str], Client]

_UNKNOWN_EXIT = 3


class Check(NamedTuple):
    """One question, which answers with one row or several."""

    subject: str
    ask: Callable[[], Row | Iterable[Row]]


def preflight(environment: Environment, plan_of: Callable[[str, str, str], Plan] = plan_of) -> None:
    """Print the table; raises SystemExit with 1 if a row fails, else with 3 if one is unknown."""
    sts = environment.client("sts")
    account, region = sts.get_caller_identity()["Account"], sts.meta.region_name
    plan = plan_of(environment.name, account, region)
    rows = list(rows_of(plan, environment.client))
    print_table(rows)
    verdicts = {row.verdict for row in rows}
    if Verdict.FAIL in verdicts:
        raise SystemExit(f"{environment.name} is not ready: follow the rows marked FAIL")
    if Verdict.UNKNOWN in verdicts:
        raise SystemExit(_UNKNOWN_EXIT)


def rows_of(plan: Plan, client: Clients) -> Iterator[Row]:
    """Yield all rows; none but the first if the credentials are for another place."""
    place = identity.place(plan)
    yield place
    if place.verdict is not Verdict.FAIL:
        for check in checks(plan, client):
            yield from answers(check)


def answers(check: Check) -> Iterator[Row]:
    """Yield the rows of a check; one that is UNKNOWN, with AWS's words, if AWS refuses to say."""
    try:
        found = check.ask()
        yield from [found] if isinstance(found, Row) else found
    except ClientError as error:
        todo = f"allow the caller {error.operation_name}, or check it by hand"
        yield Row(check.subject, Verdict.UNKNOWN, str(error), todo)
    except BotoCoreError as error:  # The service is not in the region, or cannot be reached.
        yield Row(check.subject, Verdict.UNKNOWN, str(error), "check it by hand")


def checks(plan: Plan, client: Clients) -> Iterator[Check]:
    """Yield every question, in the order of the table; all of them only read."""
    cloudformation, iam, s3 = client("cloudformation"), client("iam"), client("s3")
    lambda_, policies = client("lambda"), policy_files()[plan.stage.lower()]
    yield Check("CDK bootstrap", lambda: identity.bootstrap_version(client("ssm"), plan))
    yield Check(
        "bootstrap policies",
        lambda: identity.bootstrap_policies(cloudformation, iam, plan, policies),
    )
    yield Check("quotas", lambda: quotas.quota_rows(client("service-quotas"), plan))
    yield Check("Lambda concurrency", lambda: quotas.concurrency(lambda_, plan))
    yield Check("images", lambda: artifacts.image_rows(client("ecr"), plan.images))
    yield Check("Web Adapter layer", lambda: artifacts.layer(lambda_, plan.layer_arn))
    yield Check("weights", lambda: artifacts.weights_rows(cloudformation, s3, plan))
    yield Check("adapters", lambda: artifacts.archives(s3, plan))
    yield Check(
        "instance types", lambda: artifacts.instance_types(client("ec2"), plan.instance_types)
    )
    yield Check("scaling role", lambda: shared.scaling_role(iam))
    yield Check(
        "API Gateway's logging role", lambda: shared.gateway_role(client("apigateway"), iam, plan)
    )
    yield Check("stacks", lambda: clashes.stack_rows(cloudformation, plan))
    yield Check(
        "pipeline", lambda: clashes.pipeline_name(client("sagemaker"), cloudformation, plan)
    )
    yield Check("boundary", lambda: clashes.boundary_name(iam, cloudformation, plan))
    yield Check("cost a month", lambda: prices.cost(plan))


def print_table(rows: Iterable[Row]) -> None:
    """Print one row a line, and what to do beneath it: commands are to be copied whole."""
    for row in rows:
        print(f"{row.verdict:<8}{row.subject}: {row.found}")
        if row.todo:
            print(f"        -> {row.todo}")
