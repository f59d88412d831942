"""The model registry: every version that passed the gate, with its approval."""

import aws_cdk as cdk
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.names import lower_prefix, stack_part
from sagemaker_llm.models.catalog import CatalogEntry

_MAX_NAME = 63  # SageMaker's limit


class ModelRegistry(Construct):
    """Owns the model package group that the pipeline registers in."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: CatalogEntry,
        removal_policy: cdk.RemovalPolicy,
        name_prefix: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        # CloudFormation generates no name here. A part of the stack's id is in it, as a group may
        # outlive its stack: the next one has another.
        room = _MAX_NAME - len(f"-12345678-{model.package_name}")
        prefix = lower_prefix(self, name_prefix, max_length=room)
        self.group_name = f"{prefix}-{stack_part(stack)}-{model.package_name}"
        group = sagemaker_cfn.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=self.group_name,
            model_package_group_description=f"Fine-tuned {model.model_id} that passed the gate",
        )
        group.apply_removal_policy(removal_policy)
        self.group_arn = group.attr_model_package_group_arn
        self.package_arn_prefix = stack.format_arn(
            service="sagemaker", resource="model-package", resource_name=f"{self.group_name}/"
        )
        self.packages_arn = f"{self.package_arn_prefix}*"
