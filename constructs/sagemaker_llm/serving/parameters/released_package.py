"""The model that is served: a package of the registry, or the catalog's base weights."""

import aws_cdk as cdk
from constructs import Construct

from sagemaker_llm.models.catalog import CatalogEntry


class ReleasedPackage(Construct):
    """Owns the stack's parameter that releases and rollbacks set, and no deployment touches."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        model: CatalogEntry,
        has_adapters: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        # A group is named after the model that its packages were tuned from, and their server.
        group = rf"[^/]+-{model.package_name}"
        package = rf"arn:[^:]+:sagemaker:[^:]+:\d{{12}}:model-package/{group}/\d+"
        self.parameter = cdk.CfnParameter(
            self,
            "Arn",
            type="String",
            default="",
            # Adapters were tuned from the base weights, and fit no others.
            allowed_pattern="^$" if has_adapters else f"^({package})?$",
            constraint_description=(
                f"empty: the adapters were tuned from the base weights of {model.model_id}"
                if has_adapters
                else f"the ARN of a model package that was tuned from {model.model_id} for"
                f" {model.server.title}, or empty for the base weights"
            ),
            description="The model package that the endpoint serves; empty: the base weights",
        )
        self.package_arn = self.parameter.value_as_string
        self.is_base = cdk.CfnCondition(
            self, "IsBase", expression=cdk.Fn.condition_equals(self.package_arn, "")
        )

    def choose(self, *, package: object, base: object) -> cdk.IResolvable:
        """Return a value of a property that depends on whether a package is served."""
        return cdk.Fn.condition_if(self.is_base.logical_id, base, package)
