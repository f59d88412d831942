"""Lists of what was created so fast that the times are equal."""

import pytest

from embedded_aws.sagemaker import listings


@pytest.mark.parametrize(("order", "names"), [("Ascending", "abc"), ("Descending", "cba")])
def test_records_of_one_millisecond_are_listed_as_they_were_created(order: str, names: str) -> None:
    records = [{"Name": name, "CreationTime": 1.0} for name in "abc"]
    keys = {"CreationTime": "CreationTime"}
    found = listings.page("Found", records, ("Name",), {"SortOrder": order}, sort_keys=keys)
    assert [each["Name"] for each in found["Found"]] == [*names]
