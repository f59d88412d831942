"""Endpoints run within the account's quotas, the second fleet of an update included."""

import pytest

from embedded_aws.core.rpc import ServiceError
from embedded_aws.tests.sagemaker.hosting.conftest import FakeContainer, Hosting


def test_a_new_account_runs_no_endpoint(hosting: Hosting) -> None:
    hosting.set(account="new")
    with pytest.raises(
        ServiceError,
        match=r"The account-level service limit 'ml.g5.2xlarge for endpoint usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 1 Instances. Please use",
    ) as caught:
        hosting.create()
    assert caught.value.code == "ResourceLimitExceeded"


def test_an_update_needs_the_quota_of_two_fleets(hosting: Hosting) -> None:
    hosting.set(account="new")
    hosting.grant(1)
    hosting.create()
    hosting.config("Next")
    with pytest.raises(ServiceError, match="utilization of 1 Instances and a request delta of 1"):
        hosting.update("Next")
    assert hosting.described()["EndpointStatus"] == "InService"
    hosting.grant(2)
    for config in ("Next", "C"):  # the old fleet has gone each time
        hosting.update(config)
        assert hosting.settled()["EndpointConfigName"] == config


def test_the_second_fleet_of_an_update_counts_while_it_starts(hosting: Hosting) -> None:
    hosting.set(account="new")
    hosting.grant(2)
    hosting.create()
    FakeContainer.ready.clear()
    hosting.update(hosting.config("Next"))
    with pytest.raises(ServiceError, match="utilization of 2 Instances"):
        hosting.call("CreateEndpoint", EndpointName="Other", EndpointConfigName="C")


def test_a_failed_endpoint_and_a_failed_update_free_their_instances(hosting: Hosting) -> None:
    hosting.set(account="new")
    hosting.grant(2)
    hosting.config("Bad", model="Broken", InitialInstanceCount=2)
    assert hosting.create("Bad")["EndpointStatus"] == "Failed"
    hosting.call("DeleteEndpoint", EndpointName="E")
    hosting.create()
    hosting.update(hosting.config("Worse", model="Broken"))
    assert hosting.settled()["EndpointConfigName"] == "C"
    hosting.update(hosting.config("Next"))
    assert hosting.settled()["EndpointConfigName"] == "Next"
