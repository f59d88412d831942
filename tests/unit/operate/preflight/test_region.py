"""The rows about the region: quotas, images, the layer, weights, instance types, the price."""

from typing import Any

import pytest

from operate.preflight import artifacts, prices, quotas
from operate.preflight.plan import ArchiveNeed, Fleet, ImageNeed, QuotaNeed, WeightsNeed
from operate.preflight.preflight import Check, answers
from operate.preflight.row import Row, Verdict
from sagemaker_llm.sizing.prices import COLLECTED_ON
from tests.unit.operate.preflight.examples import ENDPOINT_QUOTA, plan, stubbed

_OK, _FAIL, _UNKNOWN = Verdict
_INCREASE = (
    "aws service-quotas request-service-quota-increase --service-code sagemaker"
    " --quota-code L-9614C779 --desired-value 10 --region eu-west-1"
)


def _quotas(value: float) -> dict[str, Any]:
    other = {"QuotaName": "ml.g5.2xlarge for training job usage", "QuotaCode": "L-1", "Value": 9}
    return {"Quotas": [other, {**other, "QuotaName": ENDPOINT_QUOTA} | _code(value)]}


def _code(value: float) -> dict[str, Any]:
    return {"QuotaCode": "L-9614C779", "Value": value}


def _requested(*requests: tuple[str, float]) -> dict[str, Any]:
    return {"RequestedQuotas": [{"Status": s, "DesiredValue": v} for s, v in requests]}


def _quota_row(*answers: tuple[str, Any]) -> Row:
    with stubbed("service-quotas", *answers) as service_quotas:
        (row,) = quotas.quota_rows(service_quotas, plan())
    return row


_APPLIED, _DEFAULTS = "list_service_quotas", "list_aws_default_service_quotas"
_REQUESTS = "list_requested_service_quota_change_history_by_quota"


def test_quota_that_is_enough_for_all_environments_of_the_account_is_ok() -> None:
    row = _quota_row((_APPLIED, _quotas(10)))
    assert (row.verdict, row.found) == (_OK, "need 10 (dev 2 + prod 8), have 10")


def test_quota_that_is_too_small_comes_with_the_command_that_raises_it() -> None:
    row = _quota_row((_APPLIED, _quotas(2)), (_REQUESTS, _requested(("DENIED", 10))))
    assert (row.verdict, row.todo) == (_FAIL, _INCREASE)
    assert row.found == "need 10 (dev 2 + prod 8), have 2"


def test_quota_that_the_account_never_changed_has_its_default() -> None:
    row = _quota_row((_APPLIED, {"Quotas": []}), (_DEFAULTS, _quotas(0)), (_REQUESTS, _requested()))
    assert (row.verdict, row.todo) == (_FAIL, _INCREASE)


def test_quota_is_looked_for_in_the_service_that_has_it() -> None:
    cpus = QuotaNeed(name="CPUs", by={"dev": 12}, service="ec2")
    found = {"Quotas": [{"QuotaName": "CPUs", "QuotaCode": "L-2", "Value": 5}]}
    with stubbed("service-quotas", (_APPLIED, found), (_REQUESTS, _requested())) as service_quotas:
        (row,) = quotas.quota_rows(service_quotas, plan(quotas=(cpus,)))
    assert (row.verdict, row.found) == (_FAIL, "need 12 (dev 12), have 5")
    assert str(row.todo).startswith(
        "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-2"
    )


def test_quota_that_is_requested_already_is_not_requested_twice() -> None:
    row = _quota_row((_APPLIED, _quotas(0)), (_REQUESTS, _requested(("CASE_OPENED", 10))))
    assert (row.verdict, row.todo) == (_FAIL, "wait until AWS approves it")
    assert row.found.endswith("requested 10")


def test_quota_that_is_requested_too_low_is_requested_again() -> None:
    row = _quota_row((_APPLIED, _quotas(0)), (_REQUESTS, _requested(("PENDING", 2))))
    assert row.todo == _INCREASE


def test_quota_without_a_name_in_the_region_fails() -> None:
    row = _quota_row((_APPLIED, {"Quotas": []}), (_DEFAULTS, {"Quotas": []}))
    assert row.verdict is _FAIL
    assert "no quota of this name in eu-west-1" in row.found


@pytest.mark.parametrize(
    ("reserved", "have", "verdict", "found"),
    [
        ({"dev": 0, "prod": 606}, 706, _OK, "need 706 (prod 606 + unreserved 100), have 706"),
        ({"dev": 0, "prod": 606}, 705, _FAIL, "need 706 (prod 606 + unreserved 100), have 705"),
        ({"dev": 0}, 10, _OK, "have 10, none is reserved: at most as many streams at once"),
    ],
)
def test_concurrency_is_enough_for_all_reservations(
    reserved: dict[str, int], have: int, verdict: Verdict, found: str
) -> None:
    settings = {"AccountLimit": {"ConcurrentExecutions": have}}
    with stubbed("lambda", ("get_account_settings", settings)) as lambda_:
        row = quotas.concurrency(lambda_, plan(reserved_executions=reserved))
    assert (row.verdict, row.found) == (verdict, found)
    assert (verdict is _FAIL) == ("--quota-code L-B99A9384 --desired-value 706" in row.todo)


@pytest.mark.parametrize(
    ("answer", "verdict", "found"),
    [
        ({"images": [{}], "failures": []}, _OK, "tgi:1.1.0"),
        ({"images": [], "failures": [{}]}, _FAIL, "registry 763104351884 has no tgi:1.1.0"),
        ("RepositoryNotFoundException", _FAIL, "763104351884 has no tgi"),
    ],
)
def test_image_is_in_the_registry(answer: Any, verdict: Verdict, found: str) -> None:
    with stubbed("ecr", ("batch_get_image", answer)) as ecr:
        row = artifacts.image(ecr, plan().images[0])
    assert (row.subject, row.verdict, row.found) == ("serving image", verdict, found)


def test_pinned_image_is_asked_for_by_its_digest() -> None:
    digest = f"sha256:{'1' * 64}"
    with stubbed("ecr", ("batch_get_image", {"images": []})) as ecr:
        row = artifacts.image(ecr, ImageNeed("serving", "763104351884", "tgi", "1.1.0", digest))
    assert row.found == f"registry 763104351884 has no tgi@{digest}"


_NOT_SHARED = (
    "AccessDeniedException: User: arn:aws:iam::1:user/u is not authorized to perform:"
    " lambda:GetLayerVersion on resource: arn because no resource-based policy allows it"
)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [({}, _OK), ("ResourceNotFoundException", _FAIL), (_NOT_SHARED, _FAIL)],
)
def test_layer_can_be_read(answer: Any, verdict: Verdict) -> None:
    with stubbed("lambda", ("get_layer_version_by_arn", answer)) as lambda_:
        row = artifacts.layer(lambda_, plan().layer_arn)
    assert row.verdict is verdict


_LISTED = {"Contents": [{"Key": "mistral/v1/", "Size": 0}, {"Key": "mistral/v1/a", "Size": 1}]}


@pytest.mark.parametrize(
    ("answers", "verdict", "found"),
    [
        ([("list_objects_v2", _LISTED), ("head_object", {})], _OK, "s3://jumpstart-cache-prod"),
        ([("list_objects_v2", {})], _FAIL, "nothing at s3://jumpstart-cache-prod-eu-west-1/mist"),
        ([("list_objects_v2", "NoSuchBucket")], _FAIL, "there is no bucket jumpstart-cache-prod"),
    ],
)
def test_weights_can_be_listed_and_read(answers: Any, verdict: Verdict, found: str) -> None:
    with stubbed("s3", *answers) as s3:
        row = artifacts.weights(s3, plan().weights)
    assert row.verdict is verdict
    assert row.found.startswith(found)


_ARCHIVE = ArchiveNeed("support", "mine", "support/2.tar.gz")
_HERE: tuple[str, Any] = ("head_bucket", {"BucketRegion": "eu-west-1"})


@pytest.mark.parametrize(
    ("told", "verdict", "found", "todo"),
    [
        ([_HERE, ("head_object", {}), ("head_object", {})], _OK, "s3://mine/support/2.tar.gz", ""),
        (
            [_HERE, ("head_object", "404")],
            _FAIL,
            "nothing at s3://mine/support/2.tar.gz",
            "aws s3 cp support.tar.gz s3://mine/support/2.tar.gz",
        ),
        ([("head_bucket", "404")], _FAIL, "there is no bucket mine", "aws s3 cp support.tar.gz"),
        (
            [("head_bucket", {"BucketRegion": "us-east-1"})],
            _FAIL,
            "the bucket mine is in us-east-1, the endpoint in eu-west-1",
            "use a bucket in eu-west-1",
        ),
        (
            [_HERE, ("head_object", {}), ("head_object", "403")],
            _FAIL,
            "the bucket mine is another account's",
            "use a bucket of 111111111111",
        ),
    ],
)
def test_archives_of_adapters_are_looked_for(
    told: Any, verdict: Verdict, found: str, todo: str
) -> None:
    with stubbed("s3", *told) as s3:
        (row,) = artifacts.archives(s3, plan(archives=(_ARCHIVE,)))
    assert (row.subject, row.verdict) == ("adapter support", verdict)
    assert row.found.startswith(found)
    assert todo in row.todo


def test_archive_that_may_not_be_asked_for_is_unknown() -> None:
    with stubbed("s3", ("head_bucket", "403: Forbidden")) as s3:
        check = Check("adapters", lambda: artifacts.archives(s3, plan(archives=(_ARCHIVE,))))
        (row,) = answers(check)
    assert row.verdict is Verdict.UNKNOWN
    assert row.todo.startswith("allow the caller HeadBucket")


def test_weights_that_only_fine_tuning_reads_have_a_row_of_their_own() -> None:
    answers = [("list_objects_v2", _LISTED), ("head_object", {})]
    with stubbed("s3", *answers, *answers) as s3:
        need = WeightsNeed("jumpstart", "other/")
        rows = list(artifacts.weights_rows(None, s3, plan(tuned_from=need)))
    assert [(r.subject, r.verdict) for r in rows] == [("weights", _OK), ("weights to tune", _OK)]
    assert rows[1].found == "s3://jumpstart/other/"


def test_staged_weights_need_their_stack_first() -> None:
    absent = "ValidationError: Stack with id Dev-Weights does not exist"
    with stubbed("cloudformation", ("describe_stacks", absent)) as cloudformation:
        row = artifacts.staged_weights(cloudformation, None, plan())
    assert row.verdict is _FAIL
    assert row.todo == "cdk deploy 'Dev/Weights', then make stage-weights ENV=dev"


@pytest.mark.parametrize(
    ("offered", "verdict", "found"),
    [
        (("g5.2xlarge", "m5.large"), _OK, "EC2 offers g5.2xlarge, m5.large"),
        (("m5.large",), _FAIL, "EC2 offers no g5.2xlarge here"),
    ],
)
def test_instance_types_are_offered(offered: tuple[str, ...], verdict: Verdict, found: str) -> None:
    answer = {"InstanceTypeOfferings": [{"InstanceType": name} for name in offered]}
    with stubbed("ec2", ("describe_instance_type_offerings", answer)) as ec2:
        row = artifacts.instance_types(ec2, plan().instance_types)
    assert (row.verdict, row.found) == (verdict, found)


@pytest.mark.parametrize(
    ("region", "found"),
    [
        ("us-east-1", "1,106 to 2,212 USD in us-east-1"),
        ("eu-west-1", "1,106 to 2,212 USD in us-east-1; eu-west-1's is unknown"),
    ],
)
def test_cost_is_that_of_the_instances_that_always_run(region: str, found: str) -> None:
    row = prices.cost(plan(region=region))
    assert (row.verdict, row.found) == (_OK, found)
    assert COLLECTED_ON in row.todo


def test_unknown_price_says_so() -> None:
    row = prices.cost(plan(fleet=Fleet(instance_type="ml.p5.48xlarge", smallest=1, largest=1)))
    assert (row.verdict, row.found) == (_UNKNOWN, "the price of ml.p5.48xlarge is unknown")
