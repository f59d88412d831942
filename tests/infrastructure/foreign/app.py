"""A stranger's CDK app: two endpoints of different models in one stack, each with its API."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import (
    ApiSettings,
    Client,
    FineTuning,
    Firewall,
    InvokeApi,
    LlmEndpoint,
    PublishedEndpoint,
    TargetTracking,
    TuningSettings,
    find_model,
)

app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
stack = cdk.Stack(
    app, "Foreign", env=cdk.Environment(account="333333333333", region="ap-southeast-3")
)

completions = LlmEndpoint(stack, "Completions", model=find_model("mistral-7b"))
InvokeApi(stack, "CompletionsApi", endpoint=completions)

# What the project's own prod says, by which the two are compared.
chat = LlmEndpoint(
    stack,
    "Chat",
    model=find_model("mistral-7b-instruct"),
    scaling=TargetTracking(min_instances=2, max_instances=4, initial_instances=2),
)
PublishedEndpoint(stack, "Published", endpoint=chat)
client = Client(name="Demo", rate_limit=20, burst_limit=40, daily_quota=200_000)
InvokeApi(
    stack, "ChatApi", endpoint=chat, settings=ApiSettings(clients=(client,), firewall=Firewall())
)
FineTuning(
    stack,
    "ChatTuning",
    endpoint=chat,
    data_removal_policy=cdk.RemovalPolicy.RETAIN,
    settings=TuningSettings(base_model_id="mistralai/Mistral-7B-Instruct-v0.1"),
)
app.synth()
