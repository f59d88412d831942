"""What a training job's container finds under /opt/ml/input/config."""

import json
from typing import Any

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.jobs.job import Job


def write(job: Job) -> None:
    """Write the files that describe the job to its script."""
    folder = job.path("/opt/ml/input/config")
    documents: dict[str, Any] = {
        "hyperparameters": job.record.get("HyperParameters", {}),  # texts, as they were given
        "inputdataconfig": {
            channel["ChannelName"]: _channel(channel)
            for channel in job.record.get("InputDataConfig", [])
        },
        "resourceconfig": _resources(job.record.get("ResourceConfig", {})),
    }
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))


def _channel(channel: Json) -> Json:
    source = channel["DataSource"]["S3DataSource"]
    content_type = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    return {
        **content_type,
        "TrainingInputMode": "File",
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }


def _resources(given: Json) -> Json:
    host, instance = "algo-1", given.get("InstanceType", "")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance}
    return {
        "current_host": host,
        "current_instance_type": instance,
        "current_group_name": group["instance_group_name"],
        "hosts": [host],
        "instance_groups": [{**group, "hosts": [host]}],
        "network_interface_name": "lo",
    }
