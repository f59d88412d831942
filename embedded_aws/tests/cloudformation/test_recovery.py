"""What becomes of stacks when the embedded AWS is stopped, or killed, while they change."""

import json
import os
import signal
from typing import Any

from embedded_aws.state.snapshots import parse
from embedded_aws.tests.account import TGI_IMAGE, Account, until

Json = dict[str, Any]

_QUEUE: Json = {"Type": "AWS::SQS::Queue"}
_WAIT: Json = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Wait": {  # nobody signals: the stack stays in progress
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": ["First"],
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"},
    },
}


def _template(**resources: Json) -> str:
    return json.dumps({"Resources": resources})


def _status(account: Account, stack: str) -> str:
    stacks = account.aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return str(stacks[0]["StackStatus"])


def _queues(account: Account) -> list[str]:
    return list(account.aws.client("sqs").list_queues().get("QueueUrls", []))


def _restart(account: Account) -> None:
    account.aws.stop()
    account.aws.start()


def _is_waiting(account: Account, stack: str) -> bool:
    events = account.aws.client("cloudformation").describe_stack_events(StackName=stack)
    return any(event["LogicalResourceId"] == "Wait" for event in events["StackEvents"])


def test_an_interrupted_creation_is_left_to_be_deleted_and_created_anew(
    own_account: Account,
) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=_template(First=_QUEUE, **_WAIT))
    until(lambda: _is_waiting(own_account, "s"))
    _restart(own_account)
    found = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    assert found["StackStatus"] == "ROLLBACK_FAILED"
    assert found["StackStatusReason"] == "the embedded AWS was stopped meanwhile"
    assert len(_queues(own_account)) == 1

    cloudformation.delete_stack(StackName=found["StackId"])
    until(lambda: _queues(own_account) == [])
    cloudformation.create_stack(StackName="s", TemplateBody=_template(First=_QUEUE))
    until(lambda: _status(own_account, "s") == "CREATE_COMPLETE")


def test_an_interrupted_update_can_be_made_again_or_undone(own_account: Account) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    before = _template(First=_QUEUE)
    cloudformation.create_stack(StackName="s", TemplateBody=before)
    until(lambda: _status(own_account, "s") == "CREATE_COMPLETE")
    update = _template(First=_QUEUE, Second=_QUEUE, **_WAIT)
    cloudformation.update_stack(StackName="s", TemplateBody=update)
    until(lambda: _is_waiting(own_account, "s") and len(_queues(own_account)) == 2)
    _restart(own_account)
    assert _status(own_account, "s") == "UPDATE_ROLLBACK_COMPLETE"
    # neither the CDK CLI nor CloudFormation may take the stack for what the update asked for
    assert "Second" not in cloudformation.get_template(StackName="s")["TemplateBody"]["Resources"]

    cloudformation.update_stack(StackName="s", TemplateBody=before)
    until(lambda: _status(own_account, "s") == "UPDATE_COMPLETE")
    cloudformation.update_stack(StackName="s", TemplateBody=_template(First=_QUEUE, Third=_QUEUE))
    until(lambda: _status(own_account, "s") == "UPDATE_COMPLETE" and len(_queues(own_account)) > 1)


def test_an_interrupted_deletion_can_be_repeated(own_account: Account) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=_template(First=_QUEUE))
    until(lambda: _status(own_account, "s") == "CREATE_COMPLETE")
    own_account.aws.stop()
    newest = max((own_account.aws.home / "snapshots").glob("*.snapshot"))
    saved = parse(newest.read_text())
    before, while_deleting = "CREATE_COMPLETE", "DELETE_IN_PROGRESS"
    stacks = saved.services["cloudformation"]
    saved.services["cloudformation"] = stacks.replace(
        f'"StackStatus": "{before}"', f'"StackStatus": "{while_deleting}"'
    )
    newest.write_text(saved.text())
    own_account.aws.start()
    assert _status(own_account, "s") == "DELETE_FAILED"
    said = own_account.aws.run("status").stdout
    assert "it ended while the stack s was DELETE_IN_PROGRESS" in said
    cloudformation.delete_stack(StackName="s")
    until(lambda: _queues(own_account) == [])


def test_a_deployed_stack_survives_a_kill(own_account: Account) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=_template(First=_QUEUE))
    until(lambda: _status(own_account, "s") == "CREATE_COMPLETE")
    os.kill(own_account.aws.pid, signal.SIGKILL)
    assert "not running" in own_account.aws.stop()
    own_account.aws.start()
    assert _status(own_account, "s") == "CREATE_COMPLETE"
    assert len(_queues(own_account)) == 1


def _replaced(account: Account, seconds: int) -> Json:
    """An endpoint configuration, which another number of seconds replaces."""
    if not account.sagemaker.list_models()["Models"]:
        container = {"Image": TGI_IMAGE}
        account.sagemaker.create_model(ModelName="m", PrimaryContainer=container)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "ContainerStartupHealthCheckTimeoutInSeconds": seconds,
    }
    properties = {"ProductionVariants": [variant]}
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": properties}


def test_what_an_interrupted_update_replaced_goes_with_the_next_update(
    own_account: Account,
) -> None:
    cloudformation = own_account.aws.client("cloudformation")
    before = _template(First=_replaced(own_account, 600))
    cloudformation.create_stack(StackName="s", TemplateBody=before)
    until(lambda: _status(own_account, "s") == "CREATE_COMPLETE")
    update = _template(First=_replaced(own_account, 500), **_WAIT)
    cloudformation.update_stack(StackName="s", TemplateBody=update)
    until(lambda: _is_waiting(own_account, "s"))

    def configs() -> list[Json]:
        return list(own_account.sagemaker.list_endpoint_configs()["EndpointConfigs"])

    assert len(configs()) == 2
    _restart(own_account)
    assert len(configs()) == 2  # an endpoint may still have the first
    cloudformation.update_stack(StackName="s", TemplateBody=before)
    until(lambda: _status(own_account, "s") == "UPDATE_COMPLETE")
    assert len(configs()) == 1
