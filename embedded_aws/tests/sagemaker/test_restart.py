"""What of jobs, pipelines and packages survives a stop of the embedded AWS."""

from typing import Any

from embedded_aws.tests.account import Account, read_write, until


def test_jobs_are_interrupted_by_a_restart_and_an_execution_goes_on_when_it_is_retried(
    own_account: Account,
) -> None:
    account = own_account
    queue = account.queue()
    wait = account.processing("import time; time.sleep(600)", account.role(*read_write("")))
    steps: list[dict[str, Any]] = [
        {"Name": "First", "Type": "Callback", "SqsQueueUrl": queue},
        {"Name": "Wait", "Type": "Processing", "Arguments": wait},
        {"Name": "Last", "Type": "Callback", "SqsQueueUrl": queue, "DependsOn": ["First"]},
    ]
    group = account.name("Group")
    account.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    execution = account.start(account.pipeline(steps, account.pipeline_role()))
    (first,) = account.messages(queue, 1)
    account.sagemaker.send_pipeline_execution_step_success(CallbackToken=first["token"])
    account.messages(queue, 1)
    job = until(lambda: account.steps(execution)["Wait"].get("Metadata"))["ProcessingJob"]["Arn"]

    account.aws.stop()
    account.aws.start()

    ended = account.executed(execution)
    assert ended["PipelineExecutionStatus"] == "Failed"
    assert "the embedded AWS was stopped" in ended["FailureReason"]
    statuses = {name: step["StepStatus"] for name, step in account.steps(execution).items()}
    assert statuses == {"First": "Succeeded", "Wait": "Failed", "Last": "Failed"}
    (listed,) = account.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert (listed["ProcessingJobArn"], listed["ProcessingJobStatus"]) == (job, "Failed")
    assert account.sagemaker.describe_model_package_group(ModelPackageGroupName=group)

    account.sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution)
    assert account.messages(queue, 1)[0]["status"] == "Executing"
    assert "First" in account.steps(execution)
