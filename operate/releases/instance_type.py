"""Another instance type for an endpoint that serves all the while: two deployments of its stack."""

from collections.abc import Callable, Mapping

from operate.cdk_cli import cdk, parameter_options
from operate.delivery.commits import warn_without
from operate.environment import Client, Environment
from operate.laptop.cdk_cli import cdk_of
from operate.polling import polled
from operate.releases.components import hosts_components
from operate.releases.deployer import deployer
from operate.releases.updates import INSTANCE_TYPE, POLL_SECONDS, SCALING, update

_ON, _OFF = "on", "off"
_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

Cdk = Callable[..., None]  # runs the CDK CLI with these arguments; raises SystemExit if it fails
# Returns CloudFormation as whoever deploys, and the ARN of the role to pass to it.
Deployer = Callable[[Environment], tuple[Client, str]]


def deploy_instance_type(environment: Environment, commit: str) -> None:
    """Deploy the instance type that the environment declares, tagged with the checkout's commit."""
    warn_without(commit, environment.name)
    # `make up` needs the change only: the app imports the CDK, which takes seconds.
    from app import environment_of  # noqa: PLC0415

    wanted = environment_of(environment.name).instance_type
    with cdk_of(environment, cdk) as run:
        InstanceTypeChange(environment, run, commit).make(wanted)


class InstanceTypeChange:
    """The two deployments. What is done already is left as it is, so that it can be run again."""

    def __init__(
        self,
        environment: Environment,
        cdk: Cdk,
        commit: str = "",
        *,
        deployer: Deployer = deployer,
        every: float = POLL_SECONDS,
    ) -> None:
        self._environment, self._cdk, self._commit = environment, cdk, commit
        self._deployer, self._every = deployer, every
        self._again = f"`make instance-type ENV={environment.name}`"

    def make(self, wanted: str) -> None:
        """Deploy the type; raises SystemExit with what to run if that fails."""
        values = self.prepare(wanted)
        try:
            self._deploy(values)
        except SystemExit as failed:
            raise SystemExit(f"{failed}\n{self._after_failure()}") from failed

    def prepare(self, wanted: str) -> Mapping[str, str]:
        """Let the deployed endpoint take another type; return what to deploy it with."""
        if hosts_components(self._environment):
            stage = self._environment.name.capitalize()
            raise SystemExit(
                "SageMaker changes no instance type of an endpoint with adapters: run"
                f" `cdk destroy --exclusively {stage}/Serving` and `cdk deploy '{stage}/*'` at a"
                " quiet time, or deploy a second environment"
            )
        deployed = self._environment.parameter(INSTANCE_TYPE)
        print(f"the instance type of {self._environment.name}: {deployed} to {wanted}")
        if deployed != wanted:
            if self._environment.parameter(SCALING) == _ON:
                print("the instance count stays as it is until the type has changed")
                self._scale(_OFF)
            self._wait_for_the_endpoint()
        return {INSTANCE_TYPE: wanted, SCALING: _ON}

    def _deploy(self, values: Mapping[str, str]) -> None:
        """Deploy what names the type: the endpoint, and the role of releases."""
        name, serving = self._environment.name, self._environment.stack_name("Serving")
        self._cdk(
            *("deploy", f"{name.capitalize()}/Serving", f"{name.capitalize()}/Training"),
            *("--exclusively", "--require-approval", "never", "-c", f"environments={name}"),
            *(("-c", f"commit={self._commit}") if self._commit else ()),
            *parameter_options(serving, values),
        )

    def _after_failure(self) -> str:
        """Let the endpoint scale again, if it does not, and return what to do."""
        found = self._environment.describe("Serving")
        stack, status = found["StackName"], found["StackStatus"]
        if self._environment.parameter(SCALING) == _OFF:
            if status not in _UPDATABLE:
                repair = f"`make repair ENV={self._environment.name}`"
                return f"{stack} is {status} and does not scale: {repair}, then {self._again}"
            self._scale(_ON)
        deployed = self._environment.parameter(INSTANCE_TYPE)
        return f"{stack} has {deployed} and scales: fix what failed, then run {self._again} again"

    def _scale(self, value: str) -> None:
        cloudformation, role_arn = self._deployer(self._environment)
        ended = update(
            self._environment,
            cloudformation,
            role_arn=role_arn,
            values={SCALING: value},
            rejoin=f"run {self._again} again",
            every=self._every,
        )
        ended.check(f"the scaling could not be set {value}")

    def _wait_for_the_endpoint(self) -> None:
        """Wait until a scaling that had begun has ended: SageMaker refuses an update before."""
        sagemaker = self._environment.client("sagemaker")
        name = self._environment.outputs("Serving")["EndpointName"]
        for found in polled(
            lambda: sagemaker.describe_endpoint(EndpointName=name), every=self._every
        ):
            variants = found["ProductionVariants"]
            is_scaling = any(
                v["CurrentInstanceCount"] != v["DesiredInstanceCount"] for v in variants
            )
            status, reason = found["EndpointStatus"], found.get("FailureReason", "no reason")
            if status == "InService" and not is_scaling:
                return
            if status in ("Failed", "UpdateRollbackFailed"):
                raise SystemExit(f"{name} is {status}: {reason}")
