"""The registry: every version of a model that passed the gate, with its approval."""

import aws_cdk as cdk
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from sagemaker_llm.common.names import stack_part


class ModelRegistry(Construct):
    """Owns the model package group that the pipeline registers in."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model_id: str,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        # CloudFormation makes up no name here. Lower case: SageMaker writes names in ARNs so. With
        # a part of the stack's id, as a group outlives its stack: the next one has another.
        self.group_name = f"{stack.stack_name.lower()}-{stack_part(stack)}-{model_id}"
        group = sagemaker_cfn.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=self.group_name,
            model_package_group_description=f"Fine-tuned {model_id} that passed the gate",
        )
        group.apply_removal_policy(removal_policy)
        self.group_arn = group.attr_model_package_group_arn
        self.package_arn_prefix = stack.format_arn(
            service="sagemaker", resource="model-package", resource_name=f"{self.group_name}/"
        )
        self.packages_arn = f"{self.package_arn_prefix}*"
