"""What botocore leaves to the service, checked by its model's own patterns."""

import botocore.session
import pytest

from embedded_aws.core.constraints import violations


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [("s3://b/Größen 2/a-b_c.d=e+f@g", True), ("it's", False), ("a (b)", False), ("$x", False)],
)
def test_text_is_held_to_its_pattern_in_any_script(text: str, *, is_allowed: bool) -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.operation_model("CreateModelPackage").input_shape
    found = list(violations({"CustomerMetadataProperties": {"note": text}}, shape))
    assert (found == []) is is_allowed
