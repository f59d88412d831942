"""What AWS must have in the region: images, the layer, weights, instance types."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from operate.environment import Client, Outputs, find_stack
from operate.preflight.plan import ArchiveNeed, ImageNeed, Plan, WeightsNeed
from operate.preflight.row import Row, Verdict, judged

_NONE = "none: the embedded AWS runs programs of its own"
_ANOTHER = "choose another image, or another region, in stacks/environments.py"


def image_rows(ecr: Client, needs: tuple[ImageNeed, ...]) -> Iterator[Row]:
    """Yield a row for each image."""
    if not needs:
        yield Row("images", Verdict.OK, _NONE)
    yield from (image(ecr, need) for need in needs)


def image(ecr: Client, need: ImageNeed) -> Row:
    """Tell whether the region's registry has the image, by its digest or its tag."""
    subject = f"{need.use} image"
    wanted = {"imageDigest": need.digest} if need.digest else {"imageTag": need.tag}
    name = f"{need.repository}{'@' if need.digest else ':'}{need.digest or need.tag}"
    try:
        answer = ecr.batch_get_image(
            registryId=need.registry, repositoryName=need.repository, imageIds=[wanted]
        )
    except ecr.exceptions.RepositoryNotFoundException:
        return Row(subject, Verdict.FAIL, f"{need.registry} has no {need.repository}", _ANOTHER)
    return judged(
        subject,
        name if answer["images"] else f"registry {need.registry} has no {name}",
        holds=bool(answer["images"]),
        todo=_ANOTHER,
    )


def layer(lambda_: Client, arn: str | None) -> Row:
    """Tell whether the Web Adapter's layer can be read, as Lambda will read it."""
    subject = "Web Adapter layer"
    if arn is None:
        return Row(subject, Verdict.OK, _NONE)
    try:
        lambda_.get_layer_version_by_arn(Arn=arn)
    except lambda_.exceptions.ResourceNotFoundException:
        found = f"there is no {arn}"
    except ClientError as error:
        # AWS refuses what does not exist as it refuses what is not shared.
        if "lambda:GetLayerVersion" not in str(error) or "resource-based" not in str(error):
            raise
        found = f"{arn} is not shared, or not there"
    else:
        return Row(subject, Verdict.OK, arn)
    todo = "give the region's version in constructs/sagemaker_llm/api/web_adapter.py"
    return Row(subject, Verdict.FAIL, found, todo)


def weights_rows(cloudformation: Client, s3: Client, plan: Plan) -> Iterator[Row]:
    """Yield a row for the weights that are served, and one for those that are tuned, if others."""
    yield staged_weights(cloudformation, s3, plan) if plan.staged else weights(s3, plan.weights)
    if plan.tuned_from:
        yield weights(s3, plan.tuned_from, "weights to tune")


def weights(s3: Client, need: WeightsNeed | None, subject: str = "weights") -> Row:
    """Tell whether the weights' prefix can be listed and its first object read."""
    if need is None:
        return Row(subject, Verdict.OK, "in the container")
    uri = f"s3://{need.bucket}/{need.prefix}"
    another = "choose a region where JumpStart keeps the model"
    try:
        listed = s3.list_objects_v2(Bucket=need.bucket, Prefix=need.prefix, MaxKeys=100)
        objects = [each for each in listed.get("Contents", []) if each["Size"]]
        if not objects:
            return Row(subject, Verdict.FAIL, f"nothing at {uri}", another)
        s3.head_object(Bucket=need.bucket, Key=objects[0]["Key"])
    except s3.exceptions.NoSuchBucket:
        return Row(subject, Verdict.FAIL, f"there is no bucket {need.bucket}", another)
    return Row(subject, Verdict.OK, uri)


def staged_weights(cloudformation: Client, s3: Client, plan: Plan) -> Row:
    """Tell whether an operator has staged the weights into the environment's own bucket."""
    stack, stage = f"{plan.stage}-Weights", f"make stage-weights ENV={plan.stage.lower()}"
    found = find_stack(cloudformation, stack)
    if found is None:
        todo = f"cdk deploy '{plan.stage}/Weights', then {stage}"
        return Row("weights", Verdict.FAIL, f"stack {stack} is not deployed", todo)
    outputs = Outputs(found)
    row = weights(s3, WeightsNeed(outputs["WeightsBucketName"], outputs["WeightsPrefix"]))
    return row if row.verdict is not Verdict.FAIL else Row("weights", row.verdict, row.found, stage)


def archives(s3: Client, plan: Plan) -> Iterator[Row]:
    """Yield a row for each adapter's archive, which the endpoint reads when its component loads."""
    yield from (_archive(s3, need, plan) for need in plan.archives)


def _archive(s3: Client, need: ArchiveNeed, plan: Plan) -> Row:
    subject, uri = f"adapter {need.adapter}", f"s3://{need.bucket}/{need.key}"
    put = f"docs/configuration.md says how to make it: aws s3 cp {need.adapter}.tar.gz {uri}"
    try:
        region = s3.head_bucket(Bucket=need.bucket).get("BucketRegion", plan.region)
        if region != plan.region:
            found = f"the bucket {need.bucket} is in {region}, the endpoint in {plan.region}"
            return Row(subject, Verdict.FAIL, found, f"use a bucket in {plan.region}")
        s3.head_object(Bucket=need.bucket, Key=need.key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "NoSuchKey"):
            raise
        is_there = error.operation_name == "HeadObject"
        missing = f"nothing at {uri}" if is_there else f"there is no bucket {need.bucket}"
        return Row(subject, Verdict.FAIL, missing, put)
    try:
        s3.head_object(Bucket=need.bucket, Key=need.key, ExpectedBucketOwner=plan.account)
    except ClientError:  # It could be read without the condition.
        found = f"the bucket {need.bucket} is another account's, which the endpoint may not read"
        return Row(subject, Verdict.FAIL, found, f"use a bucket of {plan.account}")
    return Row(subject, Verdict.OK, uri)


def instance_types(ec2: Client, names: tuple[str, ...]) -> Row:
    """Tell whether EC2 offers the twins of SageMaker's instance types in the region.

    SageMaker has no such operation; a type has quotas only where SageMaker offers it, which the
    rows of the quotas show. Unverified: that SageMaker offers a type wherever EC2 does.
    """
    if not names:
        return Row("instance types", Verdict.OK, _NONE)
    twins = {name.removeprefix("ml.") for name in names}
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="region", Filters=[{"Name": "instance-type", "Values": sorted(twins)}]
    )
    offered = {each["InstanceType"] for page in pages for each in page["InstanceTypeOfferings"]}
    missing = ", ".join(sorted(twins - offered))
    return judged(
        "instance types",
        f"EC2 offers no {missing} here" if missing else f"EC2 offers {', '.join(sorted(twins))}",
        holds=not missing,
        todo="choose another region or another type in stacks/environments.py",
    )
