"""The REST API's stack: functions, clients, stage and outputs."""

import json
from typing import Any

import pytest

from tests.infrastructure.assembly import Assembly, Template

_FUNCTION = "AWS::Lambda::Function"
_STAGE = "AWS::ApiGateway::Stage"
_LOGS = "AWS::Logs::LogGroup"


def test_proxy_is_a_streaming_web_application(assembly: Assembly) -> None:
    function = assembly.template("Prod/Api").only(_FUNCTION, "Proxy")
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["Handler"] == "run.sh"
    assert function["Layers"] == [
        "arn:aws:lambda:ap-southeast-3:753240598075:layer:LambdaAdapterLayerArm64:30"
    ]
    variables = function["Environment"]["Variables"]
    index, separated = variables.pop("ENDPOINT_NAME")["Fn::Select"]
    assert index == 1
    assert "EndpointArn" in separated["Fn::Split"][1]["Ref"]
    assert variables == {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
        "AWS_LWA_INVOKE_MODE": "response_stream",
        "AWS_LWA_PORT": "8080",
        "AWS_LWA_READINESS_CHECK_PATH": "/health",
        "MAX_CONCURRENT_REQUESTS": "25",
        "MAX_INPUT_LENGTH": "8191",
        "MAX_TOTAL_TOKENS": "8192",
        "MODEL_ID": "mistral-7b-instruct",
        "PLAYGROUND": "false",
        "CONTROL_TOKENS": "escape",
        "RETRY_AFTER_SECONDS": "10",
        "PROMPT_FORMAT": "mistral-instruct",
        "SERVER": "tgi",
        "TOKENIZER": "mistral-v1",
    }


def test_each_wall_stands_behind_the_one_before(api: Template) -> None:
    sagemaker_wall = 8 * 60
    function = api.only(_FUNCTION, "Proxy")["Timeout"]
    (integration,) = {
        method["Properties"]["Integration"]["TimeoutInMillis"]
        for method in api.resources("AWS::ApiGateway::Method").values()
    }
    assert sagemaker_wall < function < integration / 1000 < 15 * 60


def test_an_update_deletes_no_version_before_its_longest_stream_is_over(
    assembly: Assembly,
) -> None:
    prod = assembly.template("Prod/Api")
    ((alias_id, alias),) = prod.resources("AWS::Lambda::Alias").items()
    (wait,) = prod.resources("Custom::VersionDraining").values()
    assert alias_id in wait["DependsOn"]  # it begins when the alias has moved
    properties = wait["Properties"]
    assert alias["Properties"]["FunctionVersion"] == {
        "Fn::GetAtt": [properties["Version"]["Ref"], "Version"]
    }
    longest_stream = prod.only(_FUNCTION, "Proxy")["Timeout"]
    waits = prod.only(_FUNCTION, "Draining")["Timeout"]
    assert longest_stream < int(properties["Seconds"]) < waits < int(properties["ServiceTimeout"])


def test_functions_reserve_what_the_endpoint_admits_where_the_account_has_it(
    assembly: Assembly,
) -> None:
    reserved = {
        (environment, name): assembly.template(f"{environment}/Api")
        .only(_FUNCTION, name)
        .get("ReservedConcurrentExecutions")
        for environment in ("Dev", "Staging", "Prod")
        for name in ("Proxy", "KeyAuthorizer")
    }
    assert reserved == {
        ("Dev", "Proxy"): None,
        ("Dev", "KeyAuthorizer"): None,
        ("Staging", "Proxy"): 2 * 25 + 20,
        ("Staging", "KeyAuthorizer"): 25,
        ("Prod", "Proxy"): 4 * 25 + 20,
        ("Prod", "KeyAuthorizer"): 50,
    }


def test_functions_are_traced_and_log_to_groups_of_their_own(api: Template) -> None:
    groups = []
    for function in api.resources(_FUNCTION).values():
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
        groups.append(function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"])
    assert len(set(groups)) == len(groups)
    assert set(groups) < api.resources(_LOGS).keys()


@pytest.mark.parametrize(
    ("environment", "days", "policy"),
    [
        ("Local", 1, "Delete"),
        ("Dev", 7, "Retain"),
        ("Staging", 30, "Retain"),
        ("Prod", 365, "Retain"),
    ],
)
def test_every_log_group_is_kept_as_its_environment_says(
    assembly: Assembly, environment: str, days: int, policy: str
) -> None:
    for group in assembly.template(f"{environment}/Api").resources(_LOGS).values():
        assert group["Properties"]["RetentionInDays"] == days
        assert group["DeletionPolicy"] == policy


def test_api_is_regional_and_takes_keys_from_its_authorizer(api: Template) -> None:
    # Another logical id would be another URL.
    assert list(api.resources("AWS::ApiGateway::RestApi")) == ["InvokeRestApi7375BF42"]
    rest_api = api.only("AWS::ApiGateway::RestApi")
    assert rest_api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert rest_api["ApiKeySourceType"] == "AUTHORIZER"


def test_authorizer_reads_bearer_tokens_and_is_cached(api: Template) -> None:
    authorizer = api.only("AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "TOKEN"
    assert authorizer["IdentitySource"] == "method.request.header.Authorization"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 3600
    function = api.only(_FUNCTION, "KeyAuthorizer")
    assert function["Handler"] == "api_authorizer.handler.handle"
    assert "Environment" not in function


def test_stage_logs_who_and_how_long_but_no_bodies(api: Template) -> None:
    stage = api.only(_STAGE)
    assert (stage["StageName"], stage["TracingEnabled"]) == ("api", True)
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"requestId", "apiKeyId", "route", "status", "responseLatencyMs"} <= fields.keys()
    # Of an error its kind only: its message, and a validator's above all, may quote the body.
    quoting = ("body", "$input", "querystring", "context.path", "message", "validation")
    assert not any(word in str(fields).lower() for word in quoting)
    for setting in stage["MethodSettings"]:
        assert setting["LoggingLevel"] == "OFF"  # of the execution, which quotes too
        assert setting["MetricsEnabled"] is True
        assert setting.get("DataTraceEnabled", False) is False


def test_logs_can_be_written_before_the_stage_is_there(api: Template) -> None:
    (stage,) = api.resources(_STAGE).values()
    before = {api.body["Resources"][key]["Type"] for key in stage["DependsOn"]}
    assert before == {"AWS::ApiGateway::Account"}
    groups = {group["Properties"].get("LogGroupName") for group in api.resources(_LOGS).values()}
    assert groups == {None}  # API Gateway makes none by itself


def test_open_route_is_throttled_for_all_together(api: Template) -> None:
    settings: list[dict[str, Any]] = api.only(_STAGE)["MethodSettings"]
    limits = {
        setting["HttpMethod"]: (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"])
        for setting in settings
        if setting["ResourcePath"] == "/~1health"
    }
    assert limits == {"GET": (10, 20), "HEAD": (10, 20)}


def test_each_client_has_a_key_that_api_gateway_makes_up(api: Template) -> None:
    assert list(api.resources("AWS::ApiGateway::ApiKey")) == ["InvokeClientsDemoKey69F16D13"]
    key = api.only("AWS::ApiGateway::ApiKey")
    assert key["Enabled"] is True
    assert not {"Value", "Name"} & key.keys()


def test_each_clients_plan_holds_it_to_its_limits(assembly: Assembly) -> None:
    template = assembly.template("Prod/Api")
    plan = template.only("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"BurstLimit": 50, "RateLimit": 7.57}
    assert plan["Quota"] == {"Limit": 388_800, "Period": "DAY"}
    (stage_id,) = template.resources(_STAGE)
    assert [stage["Stage"] for stage in plan["ApiStages"]] == [{"Ref": stage_id}]
    (plan_id,) = template.resources("AWS::ApiGateway::UsagePlan")
    (key_id,) = template.resources("AWS::ApiGateway::ApiKey")
    link = template.only("AWS::ApiGateway::UsagePlanKey")
    assert (link["UsagePlanId"], link["KeyId"]) == ({"Ref": plan_id}, {"Ref": key_id})


def test_outputs_say_where_the_api_is_and_which_key_opens_it(assembly: Assembly) -> None:
    template = assembly.template("Prod/Api")
    outputs = {name: output["Value"] for name, output in template.body["Outputs"].items()}
    (key_id,) = template.resources("AWS::ApiGateway::ApiKey")
    rest_api = {"Ref": "InvokeRestApi7375BF42"}
    assert outputs == {
        "ApiKeyIdDemo": {"Ref": key_id},
        "ApiUrl": {
            "Fn::Join": [
                "",
                [
                    "https://",
                    rest_api,
                    ".execute-api.ap-southeast-3.",
                    {"Ref": "AWS::URLSuffix"},
                    "/api",
                ],
            ]
        },
        "ModelId": "mistral-7b-instruct",
        "RestApiId": rest_api,
    }


_VARIANT = {"EndpointName", "VariantName"}


def test_alarms_call_a_person_where_more_than_the_declared_load_comes(assembly: Assembly) -> None:
    found = {}
    for name in ("Dev", "Prod", "Local"):
        alarms = assembly.template(f"{name}/Api").resources("AWS::CloudWatch::Alarm")
        for logical_id, alarm in alarms.items():
            properties = alarm["Properties"]
            limits = properties["EvaluationPeriods"], properties["Threshold"]
            found[name, logical_id[:12]] = limits
            for metric in properties.get("Metrics", [{"MetricStat": {"Metric": properties}}]):
                if "MetricStat" in metric:
                    stat = metric["MetricStat"]["Metric"]
                    own = {"InvokeProxy": {"endpoint"}, "AWS/SageMaker": _VARIANT}
                    assert {d["Name"] for d in stat["Dimensions"]} == own[stat["Namespace"]]
    assert found == {
        ("Dev", "OverloadInFl"): (5, 12.2),
        ("Dev", "OverloadRefu"): (5, 0.01),
        ("Dev", "OverloadAtMa"): (15, 9.2),
        ("Prod", "OverloadInFl"): (5, 16.4),
        ("Prod", "OverloadRefu"): (5, 0.01),
        ("Prod", "OverloadAtMa"): (15, 14.2),
    }


def test_fleet_at_its_maximum_is_known_by_what_each_request_counts(assembly: Assembly) -> None:
    alarms = assembly.template("Prod/Api").resources("AWS::CloudWatch::Alarm")
    (alarm,) = (each["Properties"] for name, each in alarms.items() if "AtMaximum" in name)
    queries = {each["Id"]: each for each in alarm["Metrics"]}
    asked, each, in_flight = (queries[name] for name in ("asked", "each", "inflight"))
    assert asked["MetricStat"]["Metric"]["MetricName"] == "Invocations"
    assert each["MetricStat"]["Metric"]["MetricName"] == "InvocationsPerInstance"
    assert in_flight["MetricStat"]["Stat"] == "Average"
    (expression,) = (query["Expression"] for query in queries.values() if "Expression" in query)
    assert expression == "IF(asked / each > 3.5, inflight, 0)"
