"""How the proxy runs on Lambda, and how many execution environments its streams take."""

import math
from dataclasses import dataclass
from typing import Annotated, Self

from allowed_values.rules import Pattern, Range, RefusedValueError
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.instances import VCPUS

from .sizing import Sizing

# Chosen from what was measured with each size's share of a CPU: docs/benchmarks.md.
MEMORY_MIB = 256
# Unverified: what Lambda allows an environment of managed instances, from a public repository: look
# at whether a version with `max_streams` of 64 for each CPU is published.
_STREAMS_A_CPU = 64
_MEMORY_A_CPU_MIB = 2048  # the least that Lambda offers
# Of the streams that managed environments may hold: Lambda adds more as load doubles within five
# minutes, and no faster.
_FILLED = 0.5
ZONES = 3  # of a managed proxy's network, and its interface endpoints in each of them
CALLED_SERVICES = ("sagemaker.runtime", "logs", "xray")
# An instance holds one environment beside what Lambda runs there.
_INSTANCE_CPUS_A_CPU = 2
_VERSIONS = 2
MIN_ENVIRONMENTS = 3  # what Lambda starts, for three zones
_MAX_ENVIRONMENTS = 200  # ours: an update runs twice as many instances, each with an address


@dataclass(frozen=True, kw_only=True)
class OnDemand(Checked):
    """An execution environment for each stream, paid for as long as the stream lasts.

    With SnapStart, Lambda restores a snapshot of the started proxy instead of starting it. An
    example::

        ApiSettings(clients=clients, hosting=OnDemand(memory_mib=512, snap_start=True))
    """

    # The CPU is in proportion: 1,769 MiB have a whole one.
    memory_mib: Annotated[int, Range(at_least=128, at_most=10_240)] = MEMORY_MIB
    snap_start: bool = False


@dataclass(frozen=True, kw_only=True)
class ManagedInstances(Checked):
    """EC2 instances that Lambda manages in a VPC, whose environments hold many streams each.

    They are paid by the hour, three at least, whatever their load::

        ApiSettings(clients=clients, hosting=ManagedInstances(max_environments=6))
    """

    # The price table must have it. It holds one environment, beside what Lambda runs there.
    instance_type: Annotated[str, Pattern(r"[a-z][a-z0-9-]+\.[a-z0-9]+", "an EC2 type")] = (
        "c7g.large"
    )
    memory_mib: Annotated[int, Range(at_least=2048, at_most=32_768)] = _MEMORY_A_CPU_MIB
    max_streams: Annotated[int, Range(at_least=1, at_most=1600)] = _STREAMS_A_CPU
    max_environments: Annotated[
        int, Range(at_least=MIN_ENVIRONMENTS, at_most=_MAX_ENVIRONMENTS)
    ] = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_mib % _MEMORY_A_CPU_MIB:
            raise RefusedValueError(
                f"memory_mib must be a multiple of {_MEMORY_A_CPU_MIB}, which one CPU has, got"
                f" {self.memory_mib}"
            )
        if self.max_streams > _STREAMS_A_CPU * self.cpus:
            raise RefusedValueError(
                f"max_streams must be at most {_STREAMS_A_CPU} for each of the {self.cpus} CPUs of"
                f" memory_mib {self.memory_mib}, got {self.max_streams}"
            )

        size = self._size
        if self.instance_type.partition(".")[2] != size:
            raise RefusedValueError(
                f"instance_type must be of the size {size}, the smallest with twice the"
                f" {self.cpus} CPUs of memory_mib {self.memory_mib}, got {self.instance_type!r}"
            )

    @property
    def cpus(self) -> int:
        """The CPUs of an environment."""
        return self.memory_mib // _MEMORY_A_CPU_MIB

    @property
    def max_instance_cpus(self) -> int:
        """The CPUs of all instances, while an update runs two versions at their largest.

        The version before is there until its last stream is over, and Lambda fails a new one for
        whose least environments no CPUs are left.
        """
        return _VERSIONS * self.max_environments * VCPUS[self._size]

    @property
    def _size(self) -> str:
        """The size of the instances that hold one environment each."""
        wanted = _INSTANCE_CPUS_A_CPU * self.cpus
        return min((cpus, size) for size, cpus in VCPUS.items() if cpus >= wanted)[1]

    @classmethod
    def sized(cls, sizing: Sizing) -> Self:
        """Return what holds all that the largest fleet admits; raises RefusedValueError if none."""
        admitted = sizing.max_instances * sizing.max_concurrent_requests
        sized = cls(max_environments=min(cls().environments(admitted), _MAX_ENVIRONMENTS))
        if not sized.holds(sizing):
            raise RefusedValueError(
                f"the largest fleet must admit at most the {sized.streams} streams of"
                f" {_MAX_ENVIRONMENTS} environments, got {admitted}: choose OnDemand"
            )
        return sized

    def holds(self, sizing: Sizing) -> bool:
        """Return whether there is room for all that the largest fleet admits."""
        return self.streams >= sizing.max_instances * sizing.max_concurrent_requests

    @property
    def streams(self) -> int:
        """The streams that all environments hold at once."""
        return self.max_environments * self.max_streams

    def environments(self, streams: float) -> int:
        """Return the execution environments that so many streams take."""
        return max(math.ceil(streams / (self.max_streams * _FILLED)), MIN_ENVIRONMENTS)


Hosting = OnDemand | ManagedInstances
