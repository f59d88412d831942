"""A stranger's CDK app: two endpoints of different models in one stack, each with its API."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from sagemaker_llm import (
    ApiSettings,
    Client,
    FineTuning,
    Firewall,
    Fixed,
    GuardedUpdates,
    InvokeApi,
    LlmEndpoint,
    Load,
    Objective,
    OverloadAlarms,
    PublishedEndpoint,
    RequestShape,
    Sizing,
    TargetTracking,
    TuningSettings,
    Workload,
    find_model,
    published_profile,
)

app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
stack = cdk.Stack(
    app, "Foreign", env=cdk.Environment(account="333333333333", region="ap-southeast-3")
)

completions = LlmEndpoint(stack, "Completions", model=find_model("mistral-7b"))
InvokeApi(stack, "CompletionsApi", endpoint=completions)

# What the project's own prod declares, by which the two are compared.
shapes = tuple(
    RequestShape(prompt_words=words, output_tokens=tokens, share=0.25)
    for words in (128, 512)
    for tokens in (64, 256)
)
sizing = Sizing(
    Load(
        workload=Workload(shapes=shapes, peak_requests_per_second=5, mean_requests_per_second=3),
        objective=Objective(milliseconds_per_token=60, time_to_first_token_seconds=2),
        profile=published_profile(),
        fixed={"min_instances": Fixed(value=2, reason="one instance may fail")},
    )
)
chat = LlmEndpoint(
    stack,
    "Chat",
    model=find_model("mistral-7b-instruct").admitting(sizing.max_concurrent_requests),
    scaling=TargetTracking.sized(sizing, initial_instances=2),
    updates=GuardedUpdates.sized(sizing),
)
PublishedEndpoint(stack, "Published", endpoint=chat)
client = Client.sized(sizing, name="Demo")
InvokeApi(
    stack,
    "ChatApi",
    endpoint=chat,
    settings=ApiSettings(clients=(client,), firewall=Firewall()),
    sizing=sizing,
)
OverloadAlarms(stack, "ChatOverload", endpoint=chat, sizing=sizing)
FineTuning(
    stack,
    "ChatTuning",
    endpoint=chat,
    data_removal_policy=cdk.RemovalPolicy.RETAIN,
    settings=TuningSettings(base_model_id="mistralai/Mistral-7B-Instruct-v0.1"),
)
app.synth()
