"""Updates that no alarm undoes: the way back from what makes the alarms ring.

The alarms see both fleets of an update. The old one would undo the update that replaces it.
"""

from collections.abc import Mapping

from operate.delivery.report.templates import Templates
from operate.environment import Client, Environment, Outputs, Parameters, find_stack
from operate.releases.updates import UNGUARDED

_DIGEST = "EndpointDigest"  # the output with what the parameter must be
_OLD = "an alarm that rings undoes this update: once it has ended, run the same command again"


def way_back(environment: Environment) -> Mapping[str, str]:
    """Return the value with which no alarm undoes an update to another package."""
    digest = environment.outputs("Serving").get(_DIGEST)
    if digest is None:
        print(f"{environment.stack_name('Serving')} is of an earlier version, so {_OLD}")
        return {}
    return {UNGUARDED: digest}


def of_deployment(
    environment: Environment, cloudformation: Client, templates: Templates, *, unguarded: bool
) -> Mapping[str, str]:
    """Return the value for a deployment of the templates, seen as whoever deploys sees the stack.

    None where the endpoint stays as it is: nothing but its fleet may change whether it is guarded.
    """
    name = environment.stack_name("Serving")
    if (template := templates.get(name)) is None:
        raise SystemExit(f"the assembly must have the stack {name}, got {', '.join(templates)}")
    if UNGUARDED not in template.get("Parameters", {}):
        if unguarded:
            print(f"what is deployed is of an earlier version, so {_OLD}")
        return {}
    wanted = template["Outputs"][_DIGEST]["Value"]
    deployed = find_stack(cloudformation, name)
    if deployed is None or Outputs(deployed).get(_DIGEST) == wanted:
        return {}
    value = wanted if unguarded else ""
    return {} if value == Parameters(deployed).get(UNGUARDED, "") else {UNGUARDED: value}


def is_unguarded(environment: Environment) -> bool:
    """Return whether what is served was deployed while no alarm could undo it."""
    found = environment.describe("Serving")
    return Parameters(found).get(UNGUARDED, "") == Outputs(found).get(_DIGEST)
