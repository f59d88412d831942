"""The verbs that CI runs, on an environment and on its own."""

from operate.arguments import add_environment
from operate.delivery.arguments import (
    add_assemblies,
    add_assembly,
    add_comment,
    add_deployment,
    add_destruction,
    add_minutes,
    add_no_return,
    add_release,
    add_synthesis,
)
from operate.verb import Verb

ON_AN_ENVIRONMENT = (
    Verb(
        name="deploy",
        summary="deploy all stacks, of this checkout or of an assembly",
        changes="the environment's stacks, to what the checkout or the assembly declares; with"
        " UNGUARDED=1 no alarm undoes the update of the endpoint",
        example="make deploy ENV=dev ASSEMBLY=build/assembly.tar.gz DIGEST=9f86d0...",
        work="operate.delivery.deployments:deploy",
        add_arguments=add_deployment,
    ),
    Verb(
        name="diff",
        summary="show what a deployment would change",
        changes="nothing",
        example="make diff ENV=dev",
        work="operate.delivery.deployments:diff",
        add_arguments=add_assembly,
    ),
    Verb(
        name="delivery",
        summary="deploy the role that CI deploys with, as an administrator",
        changes="the stack Delivery of the environment's account: GitHub's OIDC provider, and a"
        " role for each environment there",
        example="make delivery ENV=dev",
        work="operate.delivery.role:deploy_role",
        add_arguments=add_environment,
    ),
    Verb(
        name="destroy",
        summary="delete all stacks, after saying what stays and what it costs",
        changes="deletes the environment's stacks, with their termination protection, once its name"
        " is typed; data and logs stay, as it says",
        example="make destroy ENV=dev",
        work="operate.delivery.deployments:destroy",
        add_arguments=add_destruction,
    ),
)

FOR_CI = (
    Verb(
        name="diff-report",
        summary="print the comment for a pull request, and fail if it deletes what holds data",
        changes="nothing, and calls no AWS; exits with 1 where a label is needed",
        example="make -s diff-report BEFORE=base.tar.gz AFTER=build/assembly.tar.gz",
        work="operate.delivery.report.verb:diff_report",
        add_arguments=add_assemblies,
    ),
    Verb(
        name="comment",
        summary="write the comment of a pull request, or replace it",
        changes="one comment of the pull request",
        example="make comment NUMBER=7 FILE=comment.md, with GITHUB_TOKEN and GITHUB_REPOSITORY",
        work="operate.delivery.comment:write_comment",
        add_arguments=add_comment,
    ),
    Verb(
        name="deployed-commit",
        summary="print the commit that was deployed last, and whether anything is",
        changes="nothing",
        example='make -s deployed-commit ENV=prod >> "$GITHUB_OUTPUT"',
        work="operate.delivery.commits:deployed_commit",
        add_arguments=add_environment,
    ),
    Verb(
        name="no-return",
        summary="print the warning that a failed job cannot return by itself",
        changes="nothing, and calls no AWS",
        example='make -s no-return ENV=prod COMMIT=0123abc >> "$GITHUB_STEP_SUMMARY"',
        work="operate.delivery.commits:no_return",
        add_arguments=add_no_return,
    ),
    Verb(
        name="base-commit",
        summary="print the commit that a pull request's merge was made on",
        changes="nothing, and calls no AWS",
        example='make -s base-commit >> "$GITHUB_OUTPUT"',
        work="operate.delivery.commits:base_commit",
    ),
    Verb(
        name="watch",
        summary="watch the alarms for a while, and fail if one rings",
        changes="nothing",
        example="make watch ENV=prod MINUTES=15",
        work="operate.delivery.observation:watch",
        add_arguments=add_minutes,
    ),
    Verb(
        name="stack-drift",
        summary="let CloudFormation compare its stacks with their resources",
        changes="nothing",
        example="make stack-drift ENV=prod",
        work="operate.delivery.observation:stack_drift",
        add_arguments=add_environment,
    ),
    Verb(
        name="cost",
        summary="print what the deployed stacks cost a month",
        changes="nothing",
        example="make cost ENV=prod",
        work="operate.delivery.observation:deployed_cost",
        add_arguments=add_environment,
    ),
    Verb(
        name="release",
        summary="write the changelog's section, build the wheels, commit and tag a version",
        changes="CHANGELOG.md, the versions in pyproject.toml, build/wheels; one commit and one"
        " tag, which it does not push",
        example="make release VERSION=0.2.0 DRY=1",
        work="operate.delivery.release:release",
        add_arguments=add_release,
    ),
    Verb(
        name="place",
        summary="print the region and the roles that a job signs in with",
        changes="nothing",
        example='make -s place ENV=dev >> "$GITHUB_OUTPUT"',
        work="operate.delivery.role:place",
        add_arguments=add_environment,
    ),
    Verb(
        name="assembly",
        summary="synthesize all environments on AWS into one file, and print its digest",
        changes="writes the file",
        example="make -s assembly COMMIT=$(git rev-parse HEAD)",
        work="operate.delivery.assembly:assemble",
        add_arguments=add_synthesis,
    ),
)
