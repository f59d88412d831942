"""Which probe exercises which resource's policies, from what every one of them starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from least_privilege.account import Account, client
from least_privilege.probes.adapters import Adapters
from least_privilege.probes.duties import Duties
from least_privilege.probes.hosting import Hosting
from least_privilege.probes.jobs import StepJob
from least_privilege.probes.pipeline import Pipeline
from least_privilege.probes.release import Release
from least_privilege.probes.rest import Rest
from least_privilege.refusals import Refusals
from least_privilege.waiting import Patience

STACKS = ["Local-Serving", "Local-Api", "Local-Training"]

# By the name that ROLE= takes: the resources whose policies the probe exercises. Cheap ones first.
OWNERS = {
    "rest": (
        "Api InvokeProxyRole",
        "Api InvokeProxyLive",
        "Api InvokeDrainingRole",
        "Api InvokeKeyAuthorizerRole",
        "Api InvokeKeyAuthorizerFunction",
        "Api InvokeRestApiCloudWatchRole",
    ),
    "prepare": ("Training FineTuningRolesPrepare",),
    "fine-tune": ("Training FineTuningRolesFineTune",),
    "evaluate": ("Training FineTuningRolesEvaluate",),
    "duties": ("Training DutiesTuner", "Training DutiesApprover"),
    "endpoint": ("Serving LlmRole",),
    "storage": ("Training StorageKey", "Training StorageData", "Training StorageArtifacts"),
    "pipeline": ("Training FineTuningRole", "Training StoreRole"),
    "release": (
        "Training ReleaseRole",
        "Training ReleaseServiceRole",
        "Training ReleaseQueue",
        "Training ReleaseFailed",
    ),
}
# Of a stage with adapters, which the verb does not deploy: the statements that these add.
ADAPTERS = "adapters"
WITH_ADAPTERS = {ADAPTERS: ("Serving LlmRole", "Api InvokeProxyRole")}
_STEPS = {"prepare": "Prepare", "fine-tune": "FineTune", "evaluate": "Evaluate"}


@dataclass(frozen=True)
class Probe:
    """What is to work, and what clears up after it did not."""

    run: Callable[[], None]
    clear: Callable[[], None] = lambda: None


class Probes:
    """The probes of one account, each made when it is asked for."""

    def __init__(self, account: Account, refusals: Refusals) -> None:
        self._account = account
        self._patience = Patience(refusals.seen)

    def named(self, name: str) -> Probe:
        """Return the probe of a group of owners."""
        if name in _STEPS:
            return Probe(self._step(name))
        makers = {
            "rest": lambda: Probe(self._rest.answer_and_log),
            ADAPTERS: lambda: Probe(Adapters(self._rest, self._patience)),
            "endpoint": lambda: Probe(self._hosting, self._hosting.clear),
            "storage": lambda: Probe(self._use_storage, self._hosting.clear),
            "duties": lambda: Probe(
                Duties(self._pipeline, self._executions[0][0], self._packages[0])
            ),
            "pipeline": lambda: Probe(self._pipeline.run_and_stop, self._pipeline.clear),
            "release": self._release,
        }
        return makers[name]()

    def _step(self, name: str) -> StepJob:
        execution, _ = self._executions[0]
        return StepJob(self._pipeline.steps(execution)[_STEPS[name]], self._patience)

    @cached_property
    def _rest(self) -> Rest:
        return Rest(self._account, self._patience)

    @cached_property
    def _hosting(self) -> Hosting:
        package = client("sagemaker").describe_model_package(ModelPackageName=self._packages[0])
        return Hosting(package, self._patience)

    def _use_storage(self) -> None:
        """Use it by a job, whose role says what it may, and by an endpoint, whose does not."""
        self._step("prepare")()
        self._hosting()

    def _release(self) -> Probe:
        release = Release(
            self._pipeline,
            self._patience,
            good=self._executions[0][1],
            bad=self._executions[2][1],
            packages=self._packages[:2],
        )
        return Probe(release, release.clear)

    @cached_property
    def _pipeline(self) -> Pipeline:
        pipeline = Pipeline(self._patience)
        pipeline.replace_code()
        return pipeline

    @cached_property
    def _executions(self) -> list[tuple[str, str]]:
        """Executions with their data: two whose models can be served, one whose model cannot."""
        started = [
            (self._pipeline.start(data), data)
            for data in (self._pipeline.data(*flags) for flags in ((), (), ("bad-model",)))
        ]
        for execution, _ in started:
            self._pipeline.expect(execution, "Succeeded")
        return started

    @cached_property
    def _packages(self) -> list[str]:
        steps = (self._pipeline.steps(execution) for execution, _ in self._executions)
        return [str(step["Register"]["Metadata"]["RegisterModel"]["Arn"]) for step in steps]
