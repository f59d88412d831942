"""The probe of adapters: each model answers over REST, and an archive loads beside its base."""

import uuid
from typing import Any

from botocore.exceptions import ClientError

from least_privilege.account import client
from least_privilege.probes.rest import Rest
from least_privilege.waiting import Patience, ProbeError


class Adapters:
    """Uses the base and the adapters that the stage declares."""

    def __init__(self, rest: Rest, patience: Patience) -> None:
        self._rest, self._patience = rest, patience
        sagemaker = client("sagemaker")
        found = sagemaker.list_inference_components()["InferenceComponents"]
        described = [_described(each["InferenceComponentName"]) for each in found]
        self._adapter = next(each for each in described if "Container" in each["Specification"])

    def __call__(self) -> None:
        """Ask every model, and load an adapter once more; raises ProbeError."""
        self._rest.answer_by_every_model()
        name = f"probe-{uuid.uuid4().hex[:12]}"
        specification = self._adapter["Specification"]
        wanted = {key: specification[key] for key in ("BaseInferenceComponentName", "Container")}
        try:
            client("sagemaker").create_inference_component(
                InferenceComponentName=name,
                EndpointName=self._adapter["EndpointName"],
                Specification=wanted,
            )
        except ClientError as error:
            raise ProbeError("SageMaker refuses the adapter", error) from error
        loaded = self._patience.until(
            "the adapter does not settle", lambda: _settled(name), grace=15
        )
        client("sagemaker").delete_inference_component(InferenceComponentName=name)
        if loaded["InferenceComponentStatus"] != "InService":
            raise ProbeError("the adapter does not load", loaded["FailureReason"])


def _described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = client("sagemaker").describe_inference_component(
        InferenceComponentName=name
    )
    return found


def _settled(name: str) -> dict[str, Any] | None:
    found = _described(name)
    return None if found["InferenceComponentStatus"] == "Creating" else found
