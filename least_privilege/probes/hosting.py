"""The endpoint's probe: a tuned model on the deployed endpoint, under its role."""

import uuid
from typing import Any

from botocore.exceptions import ClientError

from least_privilege.account import client
from least_privilege.waiting import Patience, ProbeError


class Hosting:
    """Hosts a registered package's weights on the endpoint."""

    def __init__(self, package: dict[str, Any], patience: Patience) -> None:
        self._patience = patience
        sagemaker = client("sagemaker")
        (container,) = package["InferenceSpecification"]["Containers"]
        kept = ("Image", "Environment", "ModelDataSource")
        self._container = {k: container[k] for k in kept}
        self._endpoint = sagemaker.list_endpoints()["Endpoints"][0]["EndpointName"]
        self._group = f"/aws/sagemaker/Endpoints/{self._endpoint}"
        config = sagemaker.describe_endpoint(EndpointName=self._endpoint)["EndpointConfigName"]
        self._config = sagemaker.describe_endpoint_config(EndpointConfigName=config)
        (variant,) = self._config["ProductionVariants"]
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
        self._role = model["ExecutionRoleArn"]

    def __call__(self) -> None:
        """Update the endpoint; raises ProbeError when it does not serve, or leaves no log."""
        name = f"Probe-{uuid.uuid4().hex[:12]}"
        self._forget_logs()
        try:
            self._update(name)
        except ClientError as error:
            raise ProbeError("SageMaker refuses the endpoint", error) from error
        found = self._patience.until("the endpoint does not settle", self._settled, grace=15)
        if found["EndpointConfigName"] != name:
            raise ProbeError("the endpoint does not serve the model", found.get("FailureReason"))
        self._patience.until("no log line of the container", self._is_logged, grace=1)

    def clear(self) -> None:
        """Wait until the endpoint can be updated again."""
        Patience.unhurried().until("the endpoint does not settle", self._settled)

    def _update(self, name: str) -> None:
        sagemaker = client("sagemaker")
        sagemaker.create_model(
            ModelName=name, PrimaryContainer=self._container, ExecutionRoleArn=self._role
        )
        (variant,) = self._config["ProductionVariants"]
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "ModelName": name}],
        )
        sagemaker.update_endpoint(
            EndpointName=self._endpoint,
            EndpointConfigName=name,
            DeploymentConfig={
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "ALL_AT_ONCE",
                        "WaitIntervalInSeconds": 0,
                    },
                    "TerminationWaitInSeconds": 1,
                },
                "AutoRollbackConfiguration": {"Alarms": self._alarms()},
            },
        )

    def _alarms(self) -> list[dict[str, str]]:
        found = client("cloudwatch").describe_alarms()["MetricAlarms"]
        return [
            {"AlarmName": alarm["AlarmName"]}
            for alarm in found
            if alarm["Dimensions"] == [{"Name": "endpoint", "Value": self._endpoint}]
        ]

    def _forget_logs(self) -> None:
        # Of the streams only: the group is the stack's, and the endpoint's role makes none.
        streams = client("logs").describe_log_streams(logGroupName=self._group)["logStreams"]
        for stream in streams:
            client("logs").delete_log_stream(
                logGroupName=self._group, logStreamName=stream["logStreamName"]
            )

    def _settled(self) -> dict[str, Any] | None:
        found: dict[str, Any] = client("sagemaker").describe_endpoint(EndpointName=self._endpoint)
        return found if found["EndpointStatus"] == "InService" else None

    def _is_logged(self) -> bool:
        try:
            found = client("logs").filter_log_events(logGroupName=self._group)
        except ClientError:
            return False
        return bool(found["events"])
