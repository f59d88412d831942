"""CloudFormation's SageMaker types for pipelines and the registry, and its events."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.tests.account import BUCKET, TGI_IMAGE, Account, allow, until

Json = dict[str, Any]
_SETTLED_SECONDS = 300  # an endpoint's container starts in one of the updates


def _template(role: str, **pipeline: Any) -> str:
    names = {"Ref": "Suffix"}
    return json.dumps(
        {
            "Parameters": {"Suffix": {"Type": "String"}},
            "Resources": {
                "Group": {
                    "Type": "AWS::SageMaker::ModelPackageGroup",
                    "Properties": {
                        "ModelPackageGroupName": {"Fn::Sub": "Group-${Suffix}"},
                        "Tags": [{"Key": "a", "Value": "b"}],
                    },
                },
                "Pipeline": {
                    "Type": "AWS::SageMaker::Pipeline",
                    "Properties": {
                        "PipelineName": {"Fn::Join": ["-", ["Stacked", names]]},
                        "RoleArn": role,
                        **pipeline,
                    },
                },
            },
            "Outputs": {
                "Group": {"Value": {"Ref": "Group"}},
                "Pipeline": {"Value": {"Ref": "Pipeline"}},
            },
        }
    )


def _body(message: str) -> Json:
    step = {"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    return {
        "PipelineDefinition": {
            "PipelineDefinitionBody": json.dumps({"Version": "2020-12-01", "Steps": [step]})
        }
    }


@pytest.fixture
def stack(account: Account) -> str:
    return account.name("stack")


def test_a_stack_makes_updates_and_deletes_a_pipeline_and_a_group(
    account: Account, stack: str
) -> None:
    cloudformation, sagemaker = account.aws.client("cloudformation"), account.sagemaker
    role, suffix = account.pipeline_role(), [{"ParameterKey": "Suffix", "ParameterValue": stack}]
    cloudformation.create_stack(
        StackName=stack, TemplateBody=_template(role, **_body("one")), Parameters=suffix
    )
    created = account.settled(stack)
    assert created["StackStatus"] == "CREATE_COMPLETE"
    outputs = {o["OutputKey"]: o["OutputValue"] for o in created["Outputs"]}
    assert outputs["Pipeline"] == f"Stacked-{stack}"
    assert outputs["Group"].endswith(f":model-package-group/group-{stack}")
    assert (
        "one" in sagemaker.describe_pipeline(PipelineName=f"Stacked-{stack}")["PipelineDefinition"]
    )

    definition = json.loads(_body("two")["PipelineDefinition"]["PipelineDefinitionBody"])
    account.put(f"{stack}/definition.json", json.dumps(definition))
    place = {"Bucket": BUCKET, "Key": f"{stack}/definition.json"}
    in_s3 = {"PipelineDefinition": {"PipelineDefinitionS3Location": place}}
    cloudformation.update_stack(
        StackName=stack, TemplateBody=_template(role, **in_s3), Parameters=suffix
    )
    assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert (
        "two" in sagemaker.describe_pipeline(PipelineName=f"Stacked-{stack}")["PipelineDefinition"]
    )

    cloudformation.delete_stack(StackName=stack)
    until(
        lambda: (
            not sagemaker.list_pipelines(PipelineNamePrefix=f"Stacked-{stack}")["PipelineSummaries"]
        )
    )
    groups = sagemaker.list_model_package_groups
    until(lambda: not groups(NameContains=f"Group-{stack}")["ModelPackageGroupSummaryList"])


def test_a_stack_with_a_pipeline_that_cannot_run_here_rolls_back(
    account: Account, stack: str
) -> None:
    steps = {"Version": "2020-12-01", "Steps": [{"Name": "T", "Type": "Tuning"}]}
    body = {"PipelineDefinition": {"PipelineDefinitionBody": json.dumps(steps)}}
    account.aws.client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=_template(account.pipeline_role(), **body),
        Parameters=[{"ParameterKey": "Suffix", "ParameterValue": stack}],
    )
    assert account.settled(stack)["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_stacks_changes_of_status_are_told_with_the_token_of_the_call(
    account: Account, stack: str
) -> None:
    changes = account.events({"detail-type": ["CloudFormation Stack Status Change"]})
    role = account.pipeline_role()
    account.aws.client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=_template(role, **_body("one")),
        Parameters=[{"ParameterKey": "Suffix", "ParameterValue": stack}],
        ClientRequestToken="26vcYbeWsZ",
    )
    created = account.settled(stack)
    assert created["StackStatus"] == "CREATE_COMPLETE"
    told = account.messages(changes, 2)
    assert [event["detail"] for event in told] == [
        {
            "stack-id": created["StackId"],
            "status-details": {"status": status, "status-reason": reason},
            "client-request-token": "26vcYbeWsZ",
        }
        for status, reason in (("CREATE_IN_PROGRESS", "User Initiated"), ("CREATE_COMPLETE", ""))
    ]
    assert told[0]["source"] == "aws.cloudformation"
    assert told[0]["resources"] == [created["StackId"]]


def _hosting(role: str, **endpoint: Any) -> str:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    container = {"Image": TGI_IMAGE, "Environment": {"HF_MODEL_ID": MODEL_ID}}
    config = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    properties = {
        "Model": {"PrimaryContainer": container, "ExecutionRoleArn": role},
        "EndpointConfig": {"ProductionVariants": [variant]},
        "Endpoint": {"EndpointConfigName": config, **endpoint},
    }
    resources = {
        kind.removeprefix("Endpoint") or kind: {
            "Type": f"AWS::SageMaker::{kind}",
            "Properties": given,
        }
        for kind, given in properties.items()
    }
    output = {"Name": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}}}
    return json.dumps({"Resources": resources, "Outputs": output})


def test_an_endpoint_with_another_name_replaces_the_old_one(account: Account, stack: str) -> None:
    cloudformation, sagemaker = account.aws.client("cloudformation"), account.sagemaker
    role = account.role()
    cloudformation.create_stack(StackName=stack, TemplateBody=_hosting(role))
    created = account.settled(stack)
    assert created["StackStatus"] == "CREATE_COMPLETE"
    old, new = created["Outputs"][0]["OutputValue"], f"named-{stack}"
    cloudformation.update_stack(StackName=stack, TemplateBody=_hosting(role, EndpointName=new))
    updated = account.settled(stack)
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert updated["Outputs"][0]["OutputValue"] == new
    assert sagemaker.describe_endpoint(EndpointName=new)["EndpointStatus"] == "InService"
    names = [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]]
    assert new in names
    assert old not in names
    cloudformation.delete_stack(StackName=stack)
    until(lambda: not sagemaker.list_endpoints(NameContains=new)["Endpoints"])


def _rolling(role: str, alarm: str, **settings: str) -> str:
    """Two instances, the second of which is replaced an hour after the first."""
    guarded = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 3600,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    template = json.loads(_hosting(role, DeploymentConfig=guarded))
    resources = template["Resources"]
    resources["Config"]["Properties"]["ProductionVariants"][0]["InitialInstanceCount"] = 2
    resources["Model"]["Properties"]["PrimaryContainer"]["Environment"] |= settings
    return json.dumps(template)


def _alarm(account: Account, name: str) -> Callable[[str], None]:
    """Put an alarm that nothing sets by itself; returns what sets it."""
    cloudwatch = account.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )

    def put(state: str) -> None:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    put("OK")
    return put


def test_an_endpoint_that_is_stuck_goes_back_when_its_stack_does(
    account: Account, stack: str
) -> None:
    cloudformation, iam = account.aws.client("cloudformation"), account.aws.client("iam")
    set_alarm, role = _alarm(account, stack), account.role(allow("cloudwatch:DescribeAlarms"))
    denied = {"RoleName": role.rpartition("/")[2], "PolicyName": "denied"}
    cloudformation.create_stack(StackName=stack, TemplateBody=_rolling(role, stack))
    endpoint = account.settled(stack)["Outputs"][0]["OutputValue"]
    group = f"/aws/sagemaker/Endpoints/{endpoint}"

    def containers() -> int:
        found = account.aws.client("logs").describe_log_streams(logGroupName=group)
        return len(found["logStreams"])

    def settled() -> tuple[str, str]:
        of_stack = account.settled(stack)["StackStatus"]
        found = account.sagemaker.describe_endpoint(EndpointName=endpoint)
        return of_stack, found["EndpointStatus"]

    cloudformation.update_stack(
        StackName=stack, TemplateBody=_rolling(role, stack, MAX_WAITING_TOKENS="21")
    )
    until(lambda: containers() == 2)  # it has its image
    no_image = {"Version": "2012-10-17", "Statement": {**allow("ecr:*"), "Effect": "Deny"}}
    iam.put_role_policy(**denied, PolicyDocument=json.dumps(no_image))
    set_alarm("ALARM")
    assert settled() == ("UPDATE_ROLLBACK_FAILED", "UpdateRollbackFailed")

    iam.delete_role_policy(**denied)
    set_alarm("OK")
    with account.circumstances(time_scale=3600):
        cloudformation.continue_update_rollback(StackName=stack)
        assert settled() == ("UPDATE_ROLLBACK_COMPLETE", "InService")
    cloudformation.delete_stack(StackName=stack)
    until(lambda: not account.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"])
