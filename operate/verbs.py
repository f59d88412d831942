"""The verbs for any environment, and all verbs in groups."""

from operate.arguments import (
    add_client,
    add_days,
    add_declared,
    add_environment,
    add_source,
    add_target,
    add_tuning,
)
from operate.delivery.arguments import add_tagged
from operate.delivery.verbs import FOR_CI, ON_AN_ENVIRONMENT
from operate.laptop.verbs import ENV, ON_THIS_MACHINE
from operate.verb import Verb

ON_ANY_ENVIRONMENT = (
    Verb(
        name="chat",
        summary="talk to the deployed model in the terminal",
        changes="nothing, but each answer counts against the client's quota",
        example="make chat ENV=dev CLIENT=Demo",
        work="operate.api.chat:chat",
        add_arguments=add_client,
    ),
    Verb(
        name="info",
        summary="print one JSON object for scripts: base_url, api_key, model, ...",
        changes="nothing",
        example="make -s info ENV=dev",
        work="operate.api.deployment:info",
        add_arguments=add_client,
    ),
    Verb(
        name="key",
        summary="print a client's API key",
        changes="nothing",
        example="make -s key ENV=dev CLIENT=Demo",
        work="operate.api.keys:key",
        add_arguments=add_client,
    ),
    Verb(
        name="plan",
        summary="show what follows from the declared load: fleet, limits, cost, a simulated day",
        changes="nothing, and calls no AWS; it writes build/plan/<environment>.svg",
        example="make plan ENV=prod",
        work="operate.plan.plan:plan",
        add_arguments=add_declared,
    ),
    Verb(
        name="preflight",
        summary="check an account before the first deployment, read-only",
        changes="nothing; exits with 1 if a row fails, with 3 if AWS left one unknown",
        example="make preflight ENV=dev",
        work="operate.preflight.preflight:preflight",
        add_arguments=add_environment,
    ),
    Verb(
        name="bootstrap",
        summary="bootstrap the CDK, with only the permissions that deployments need",
        changes="the stack <Stage>-Bootstrap, which holds the policies of deployments, and the"
        " CDK's own stack <Stage>-CDKToolkit; needs an administrator",
        example="make bootstrap ENV=dev",
        work="operate.account.bootstrap:bootstrap",
        add_arguments=add_environment,
    ),
    *ON_AN_ENVIRONMENT,
    Verb(
        name="finetune",
        summary="fine-tune, release and ask",
        changes="uploads the data and runs the pipeline, whose model is released if it passes:"
        " at once, or after an approval",
        example='make finetune ENV=dev DATA=folder SET="epoch=3 seed=7"',
        work="operate.tuning.finetune:finetune",
        add_arguments=add_tuning,
    ),
    Verb(
        name="rollback",
        summary="release the model that was served before",
        changes="the parameter ModelPackageArn of the stack <Stage>-Serving, and so the endpoint,"
        " even while alarms ring; the package that was served gets a note of it",
        example="make rollback ENV=dev TO=3",
        work="operate.releases.rollback:rollback",
        add_arguments=add_target,
    ),
    Verb(
        name="instance-type",
        summary="deploy another instance type, with the endpoint serving all the while",
        changes="the stacks <Stage>-Serving and <Stage>-Training, to what the checkout declares;"
        " the instance count stays as it is meanwhile",
        example="make instance-type ENV=dev COMMIT=$(git rev-parse HEAD)",
        work="operate.releases.instance_type:deploy_instance_type",
        add_arguments=add_tagged,
    ),
    Verb(
        name="repair",
        summary="continue a rollback of the serving stack that failed",
        changes="the stack <Stage>-Serving, back to what it was before the failed update; it asks"
        " before it leaves a resource out",
        example="make repair ENV=dev",
        work="operate.releases.repair:repair",
        add_arguments=add_environment,
    ),
    Verb(
        name="drift",
        summary="check that the endpoint serves what its stack says",
        changes="nothing",
        example="make drift ENV=dev",
        work="operate.releases.drift:drift",
        add_arguments=add_environment,
    ),
    Verb(
        name="cleanup",
        summary="list what a destroyed environment left behind, and delete it when confirmed",
        changes="deletes, after its name is typed, the buckets with their data, the log groups, the"
        " registry and the keys that the environment's deleted stacks retained; after `account` is"
        " typed, also the log groups that SageMaker and API Gateway write for all projects",
        example="make cleanup ENV=dev",
        work="operate.account.cleanup:cleanup",
        add_arguments=add_environment,
    ),
    Verb(
        name="image",
        summary="show the digests of the container images, in the registry and as deployed",
        changes="nothing",
        example="make image ENV=dev",
        work="operate.account.images:check_images",
        add_arguments=add_environment,
    ),
    Verb(
        name="job-logs",
        summary="set how many days the account keeps the logs that belong to no stack",
        changes="the retention of the log groups of SageMaker's jobs and of API Gateway's welcome,"
        " for every project in the account",
        example="make job-logs ENV=dev DAYS=365",
        work="operate.account.job_logs:keep_job_logs",
        add_arguments=add_days,
    ),
    Verb(
        name="stage-weights",
        summary="bring a model's weights from the hub into the account",
        changes="uploads the weights and their inventory to the bucket of the stack"
        " <Stage>-Weights",
        example="make stage-weights ENV=dev FROM=folder",
        work="operate.weights.staging:stage_weights",
        add_arguments=add_source,
    ),
)

FOR_SCRIPTS = (
    ENV,
    Verb(
        name="openai",
        summary="print shell variables that point OpenAI's clients at the deployed API",
        changes="nothing",
        example='eval "$(python -m operate openai dev)" && make examples',
        work="operate.api.deployment:openai",
        add_arguments=add_client,
    ),
)

GROUPS = {
    "on this machine": ON_THIS_MACHINE,
    "on any environment": ON_ANY_ENVIRONMENT,
    "for CI": FOR_CI,
    "for scripts": FOR_SCRIPTS,
}
